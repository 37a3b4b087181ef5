package ui

// words holds every sentence of the site in one language. A test fails on a
// field that either language leaves empty.
type words struct {
	Lang string // BCP 47, for lang attributes and Content-Language
	Name string // the language's own name for itself

	GroupSeparator string // between thousands
	OneVote        string
	ManyVotes      string // %s: a number
	DayMonthYear   string // %d, %s, %d
	Months         [12]string

	SiteTitle       string
	SiteDescription string
	SkipToContent   string
	SiteNavigation  string
	NavRanking      string
	SwitchLanguage  string

	HeroOrganizer string
	HeroTitle     string
	HeroLead      string
	HeroTakePart  string
	HeroWatch     string

	RankingTitle    string
	RankingNote     string
	RankingPosition string
	RankingPlayer   string
	RankingCity     string
	RankingVotes    string
	RankingNoCity   string
	RankingEmpty    string

	VideoPosterAlt string // %s: title, %s: player
	VideosEmpty    string

	TakePartTitle string
	TakePartNote  string
	Steps         [3]step

	DevelopersTitle   string
	DevelopersNote    string
	DevelopersDocs    string
	DevelopersOpenAPI string

	FooterOrganizer string
	FooterContest   string

	FileNotFound string

	NavGallery         string
	NavMine            string
	NavAccount         string
	NavSignIn          string
	GalleryTitle       string
	GalleryNewest      string
	GalleryMostVoted   string
	GalleryOrder       string
	GallerySearch      string
	GallerySearchHint  string
	GalleryCityHint    string
	GalleryApply       string
	GalleryClear       string
	GalleryMore        string
	GalleryBack        string
	GalleryNone        string
	GalleryFirst       string
	VideoSocial        string
	VideoShare         string
	VideoCopied        string
	VideoNoPlay        string
	VoteGive           string
	VoteTakeBack       string
	VoteGiven          string
	VoteOwn            string
	RankingNational    string
	RankingOf          string
	RankingMove        string
	RankingUp          string
	RankingDown        string
	RankingSame        string
	RankingYou         string
	RankingYourPlace   string
	RankingNext        string
	RankingPrev        string
	RankingInvite      string
	PlayerPlace        string
	PlayerNoVideos     string
	LabelFirstName     string
	LabelLastName      string
	LabelEmail         string
	LabelPassword      string
	LabelPassword2     string
	LabelCity          string
	LabelCountry       string
	HintPassword       string
	Optional           string
	FormFault          string
	SignUpTitle        string
	SignUpLead         string
	SignUpDo           string
	SignUpHave         string
	SignInTitle        string
	SignInDo           string
	SignInNew          string
	SignInToVote       string
	WrongCredentials   string
	PasswordsDiffer    string
	EmailTaken         string
	AccountTitle       string
	AccountSave        string
	AccountSaved       string
	AccountEmailNote   string
	AccountPublic      string
	SignOut            string
	MyTitle            string
	MyNone             string
	MyNoneText         string
	UploadTitle        string
	UploadHint         string
	UploadTitleLabel   string
	UploadFileLabel    string
	UploadDo           string
	UploadNoScript     string
	UploadTooLarge     string
	UploadNoTitle      string
	UploadNoFile       string
	UploadLongTitle    string
	UploadSending      string
	UploadWaiting      string
	UploadChecking     string
	UploadDone         string
	UploadCancel       string
	UploadFailed       string
	UploadUnfinished   string
	UploadProgress     string
	StateUploaded      string
	StateProcessing    string
	StateProcessed     string
	StatePublic        string
	StateFailed        string
	FailureUnplayable  string
	FailureTimeout     string
	FailureInternal    string
	DoPublish          string
	DoRetry            string
	DoDelete           string
	DoSee              string
	MyPreview          string
	DeleteTitle        string
	DeleteText         string
	DeleteKeep         string
	ErrorNotFound      string
	ErrorNotFoundText  string
	ErrorForbidden     string
	ErrorForbiddenText string
	ErrorServer        string
	ErrorServerText    string
	ErrorOther         string
	ErrorRequest       string
	ErrorHome          string
	OfflineTitle       string
	OfflineText        string
	OfflineRetry       string
	PasswordTitle      string
	PasswordNote       string
	PasswordOld        string
	PasswordNew        string
	PasswordDo         string
	PasswordChanged    string
	PasswordWrong      string
	DataTitle          string
	DataNote           string
	DataDo             string
	LeaveTitle         string
	LeaveLead          string
	LeaveText          string
	LeaveDo            string
	LeaveKeep          string
	LeaveLink          string
}

// step is one step of taking part.
type step struct{ Title, Text string }

var spanish = words{
	Lang: "es",
	Name: "Español",

	GroupSeparator: ".",
	OneVote:        "1 voto",
	ManyVotes:      "%s votos",
	DayMonthYear:   "%d de %s de %d",
	Months: [12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio",
		"julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},

	SiteTitle:       "ANB Rising Stars Showcase",
	SiteDescription: "El concurso de habilidades de la Asociación Nacional de Baloncesto: sube tu mejor jugada, el público vota y la clasificación se mueve con cada voto.",
	SkipToContent:   "Ir al contenido",
	SiteNavigation:  "Principal",
	NavRanking:      "Clasificación",
	SwitchLanguage:  "Read this page in English",

	HeroOrganizer: "Asociación Nacional de Baloncesto",
	HeroTitle:     "Tu mejor jugada, ante todo el país",
	HeroLead:      "Rising Stars Showcase es el concurso de habilidades de la ANB. Sube un video, el público vota y la clasificación se mueve con cada voto.",
	HeroTakePart:  "Quiero participar",
	HeroWatch:     "Ver los videos",

	RankingTitle:    "Clasificación",
	RankingNote:     "Suma los votos de todos los videos públicos de cada participante.",
	RankingPosition: "Pos.",
	RankingPlayer:   "Participante",
	RankingCity:     "Ciudad",
	RankingVotes:    "Votos",
	RankingNoCity:   "Sin ciudad",
	RankingEmpty:    "El primer lugar está libre",

	VideoPosterAlt: "Imagen del video «%s», de %s",
	VideosEmpty:    "La cancha está lista",

	TakePartTitle: "Así se participa",
	TakePartNote:  "Tres pasos, del celular a la clasificación.",
	Steps: [3]step{
		{"Sube tu video", "Crea tu cuenta y sube un MP4 o MOV con tu mejor jugada."},
		{"Lo preparamos", "Tomamos los primeros 30 segundos, en alta definición y con el sello de la ANB."},
		{"Publica y suma votos", "Cuando esté listo, publícalo. Los votos de todos tus videos cuentan para tu lugar."},
	},

	DevelopersTitle:   "Para desarrolladores",
	DevelopersNote:    "Todo lo que hace este sitio se puede hacer por su API.",
	DevelopersDocs:    "Leer y probar la API",
	DevelopersOpenAPI: "Descripción OpenAPI 3.1",

	FooterOrganizer: "Asociación Nacional de Baloncesto",
	FooterContest:   "ANB Rising Stars Showcase, concurso nacional de habilidades.",

	FileNotFound: "No existe este archivo.",

	NavGallery:         "Videos",
	NavMine:            "Mis videos",
	NavAccount:         "Mi cuenta",
	NavSignIn:          "Entrar",
	GalleryTitle:       "Los videos",
	GalleryNewest:      "Más recientes",
	GalleryMostVoted:   "Más votados",
	GalleryOrder:       "Orden",
	GallerySearch:      "Buscar",
	GallerySearchHint:  "Título o participante",
	GalleryCityHint:    "Todo el país",
	GalleryApply:       "Filtrar",
	GalleryClear:       "Quitar filtros",
	GalleryMore:        "Ver más videos",
	GalleryBack:        "Videos anteriores",
	GalleryNone:        "No hay videos que coincidan",
	GalleryFirst:       "Todavía no hay videos públicos. El primero puede ser el tuyo.",
	VideoSocial:        "%s en el ANB Rising Stars Showcase. Mira la jugada y vota.",
	VideoShare:         "Compartir",
	VideoCopied:        "Enlace copiado",
	VideoNoPlay:        "Tu navegador no reproduce este video: descárgalo.",
	VoteGive:           "Votar",
	VoteTakeBack:       "Quitar mi voto",
	VoteGiven:          "Ya votaste por este video",
	VoteOwn:            "Es tu video: los votos los pone el público.",
	RankingNational:    "Clasificación nacional",
	RankingOf:          "Clasificación de %s",
	RankingMove:        "Cambio hoy",
	RankingUp:          "sube %d",
	RankingDown:        "baja %d",
	RankingSame:        "igual",
	RankingYou:         "Tú",
	RankingYourPlace:   "Tu lugar en el país: %s",
	RankingNext:        "Lugares siguientes",
	RankingPrev:        "Lugares anteriores",
	RankingInvite:      "La clasificación empieza con el primer video público.",
	PlayerPlace:        "Lugar %s en el país",
	PlayerNoVideos:     "Aún no ha publicado videos",
	LabelFirstName:     "Nombre",
	LabelLastName:      "Apellido",
	LabelEmail:         "Correo electrónico",
	LabelPassword:      "Contraseña",
	LabelPassword2:     "Repite la contraseña",
	LabelCity:          "Ciudad",
	LabelCountry:       "País",
	HintPassword:       "8 caracteres o más",
	Optional:           "opcional",
	FormFault:          "Revisa los campos marcados.",
	SignUpTitle:        "Crear cuenta",
	SignUpLead:         "Para subir tus videos y votar por los de otros.",
	SignUpDo:           "Crear mi cuenta",
	SignUpHave:         "Ya tengo cuenta",
	SignInTitle:        "Entrar",
	SignInDo:           "Entrar",
	SignInNew:          "Crear una cuenta",
	SignInToVote:       "Entra para que tu voto cuente.",
	WrongCredentials:   "El correo o la contraseña no son correctos.",
	PasswordsDiffer:    "Las contraseñas no coinciden.",
	EmailTaken:         "Ese correo ya tiene una cuenta.",
	AccountTitle:       "Mi cuenta",
	AccountSave:        "Guardar cambios",
	AccountSaved:       "Cambios guardados.",
	AccountEmailNote:   "Tu correo no se muestra a nadie:",
	AccountPublic:      "Ver mi página pública",
	SignOut:            "Salir",
	MyTitle:            "Mis videos",
	MyNone:             "Aún no has subido videos",
	MyNoneText:         "Elige un archivo arriba. Cuando esté listo, decides si lo publicas.",
	UploadTitle:        "Subir un video",
	UploadHint:         "MP4 o MOV, hasta %s. Si se corta la red, sigue desde donde iba.",
	UploadTitleLabel:   "Título de la jugada",
	UploadFileLabel:    "Archivo",
	UploadDo:           "Subir",
	UploadNoScript:     "Para subir videos hacen falta scripts en el navegador.",
	UploadTooLarge:     "El archivo supera el tamaño máximo.",
	UploadNoTitle:      "Escribe un título.",
	UploadNoFile:       "Elige un archivo.",
	UploadLongTitle:    "El título puede tener como máximo 255 caracteres.",
	UploadSending:      "{sent} de {total} · {speed}/s · faltan {left}",
	UploadWaiting:      "Sin conexión: sigue sola cuando vuelva la red",
	UploadChecking:     "Revisando el archivo…",
	UploadDone:         "Recibido",
	UploadCancel:       "Cancelar",
	UploadFailed:       "No se pudo subir.",
	UploadUnfinished:   "Subida sin terminar: elige el mismo archivo y sigue desde donde iba.",
	UploadProgress:     "Progreso de la subida",
	StateUploaded:      "En cola",
	StateProcessing:    "Procesando: %d %%",
	StateProcessed:     "Listo para publicar",
	StatePublic:        "Público",
	StateFailed:        "No se pudo procesar",
	FailureUnplayable:  "El archivo no se puede reproducir. Expórtalo de nuevo y súbelo otra vez.",
	FailureTimeout:     "Tardó demasiado. Puedes reintentar.",
	FailureInternal:    "Fue un problema nuestro. Puedes reintentar.",
	DoPublish:          "Publicar",
	DoRetry:            "Reintentar",
	DoDelete:           "Eliminar",
	DoSee:              "Ver página pública",
	MyPreview:          "Vista previa de «%s»",
	DeleteTitle:        "¿Eliminar este video?",
	DeleteText:         "Se borran el original y el video procesado. No se puede deshacer.",
	DeleteKeep:         "Conservarlo",
	ErrorNotFound:      "Fuera de la cancha",
	ErrorNotFoundText:  "Aquí no hay nada: el enlace cambió, o el video ya no es público.",
	ErrorForbidden:     "Falta técnica",
	ErrorForbiddenText: "Esto es de otra persona, y no se te muestra.",
	ErrorServer:        "Tiempo fuera",
	ErrorServerText:    "Algo falló de nuestro lado. Vuelve a intentarlo en un momento.",
	ErrorOther:         "No se pudo",
	ErrorRequest:       "Identificador de la solicitud",
	ErrorHome:          "Ir a los videos",
	OfflineTitle:       "Sin conexión",
	OfflineText:        "No hay red. La página vuelve cuando vuelva la conexión.",
	OfflineRetry:       "Reintentar",
	PasswordTitle:      "Cambiar la contraseña",
	PasswordNote:       "Se cierra la sesión en todos los demás dispositivos.",
	PasswordOld:        "Contraseña actual",
	PasswordNew:        "Contraseña nueva",
	PasswordDo:         "Cambiar la contraseña",
	PasswordChanged:    "Contraseña cambiada. En los demás dispositivos hay que entrar de nuevo.",
	PasswordWrong:      "No es la contraseña de esta cuenta.",
	DataTitle:          "Mis datos",
	DataNote:           "Todo lo que guardamos de ti, en un archivo JSON: perfil, videos, votos y actividad.",
	DataDo:             "Descargar mis datos",
	LeaveTitle:         "¿Eliminar tu cuenta?",
	LeaveLead:          "Si ya no quieres participar, puedes eliminar tu cuenta y tus datos.",
	LeaveText:          "Se borran tu perfil, tus videos (también los públicos) y los votos que recibieron, y se retiran los votos que diste. No se puede deshacer.",
	LeaveDo:            "Eliminar mi cuenta",
	LeaveKeep:          "Conservarla",
	LeaveLink:          "Eliminar mi cuenta…",
}

var english = words{
	Lang: "en",
	Name: "English",

	GroupSeparator: ",",
	OneVote:        "1 vote",
	ManyVotes:      "%s votes",
	DayMonthYear:   "%d %s %d",
	Months: [12]string{"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November", "December"},

	SiteTitle:       "ANB Rising Stars Showcase",
	SiteDescription: "The skills contest of the National Basketball Association (ANB): upload your best play, the public votes, and every vote moves the ranking.",
	SkipToContent:   "Skip to content",
	SiteNavigation:  "Main",
	NavRanking:      "Ranking",
	SwitchLanguage:  "Leer esta página en español",

	HeroOrganizer: "Asociación Nacional de Baloncesto",
	HeroTitle:     "Your best play, before the whole country",
	HeroLead:      "Rising Stars Showcase is the ANB's skills contest. Upload a video, the public votes, and every vote moves the ranking.",
	HeroTakePart:  "Take part",
	HeroWatch:     "Watch the videos",

	RankingTitle:    "Ranking",
	RankingNote:     "Adds up the votes of all of a player's public videos.",
	RankingPosition: "Pos.",
	RankingPlayer:   "Player",
	RankingCity:     "City",
	RankingVotes:    "Votes",
	RankingNoCity:   "No city",
	RankingEmpty:    "First place is open",

	VideoPosterAlt: "Picture from the video “%s”, by %s",
	VideosEmpty:    "The court is ready",

	TakePartTitle: "How to take part",
	TakePartNote:  "Three steps from your phone to the ranking.",
	Steps: [3]step{
		{"Upload your video", "Create your account and upload an MP4 or MOV of your best play."},
		{"We get it ready", "We take the first 30 seconds, in high definition and with the ANB's seal."},
		{"Publish and collect votes", "When it is ready, publish it. The votes of all your videos count towards your place."},
	},

	DevelopersTitle:   "For developers",
	DevelopersNote:    "Everything this site does can be done through its API.",
	DevelopersDocs:    "Read and try the API",
	DevelopersOpenAPI: "OpenAPI 3.1 description",

	FooterOrganizer: "Asociación Nacional de Baloncesto",
	FooterContest:   "ANB Rising Stars Showcase, national skills contest.",

	FileNotFound: "There is no such file.",

	NavGallery:         "Videos",
	NavMine:            "My videos",
	NavAccount:         "My account",
	NavSignIn:          "Sign in",
	GalleryTitle:       "The videos",
	GalleryNewest:      "Newest",
	GalleryMostVoted:   "Most voted",
	GalleryOrder:       "Order",
	GallerySearch:      "Search",
	GallerySearchHint:  "Title or player",
	GalleryCityHint:    "The whole country",
	GalleryApply:       "Filter",
	GalleryClear:       "Clear filters",
	GalleryMore:        "Show more videos",
	GalleryBack:        "Previous videos",
	GalleryNone:        "No videos match",
	GalleryFirst:       "There are no public videos yet. The first can be yours.",
	VideoSocial:        "%s in the ANB Rising Stars Showcase. Watch the play and vote.",
	VideoShare:         "Share",
	VideoCopied:        "Link copied",
	VideoNoPlay:        "Your browser does not play this video: download it.",
	VoteGive:           "Vote",
	VoteTakeBack:       "Take my vote back",
	VoteGiven:          "You have voted for this video",
	VoteOwn:            "This is your video: the votes are the public's.",
	RankingNational:    "National ranking",
	RankingOf:          "Ranking of %s",
	RankingMove:        "Change today",
	RankingUp:          "up %d",
	RankingDown:        "down %d",
	RankingSame:        "same",
	RankingYou:         "You",
	RankingYourPlace:   "Your place in the country: %s",
	RankingNext:        "Next places",
	RankingPrev:        "Previous places",
	RankingInvite:      "The ranking starts with the first public video.",
	PlayerPlace:        "Place %s in the country",
	PlayerNoVideos:     "Has not published a video yet",
	LabelFirstName:     "First name",
	LabelLastName:      "Last name",
	LabelEmail:         "Email",
	LabelPassword:      "Password",
	LabelPassword2:     "Repeat the password",
	LabelCity:          "City",
	LabelCountry:       "Country",
	HintPassword:       "8 characters or more",
	Optional:           "optional",
	FormFault:          "Check the marked fields.",
	SignUpTitle:        "Create an account",
	SignUpLead:         "To upload your videos and vote for those of others.",
	SignUpDo:           "Create my account",
	SignUpHave:         "I have an account",
	SignInTitle:        "Sign in",
	SignInDo:           "Sign in",
	SignInNew:          "Create an account",
	SignInToVote:       "Sign in so that your vote counts.",
	WrongCredentials:   "The email or the password is wrong.",
	PasswordsDiffer:    "The passwords differ.",
	EmailTaken:         "That email has an account already.",
	AccountTitle:       "My account",
	AccountSave:        "Save changes",
	AccountSaved:       "Changes saved.",
	AccountEmailNote:   "Your email is shown to nobody:",
	AccountPublic:      "See my public page",
	SignOut:            "Sign out",
	MyTitle:            "My videos",
	MyNone:             "You have not uploaded a video yet",
	MyNoneText:         "Choose a file above. When it is ready, you decide whether to publish it.",
	UploadTitle:        "Upload a video",
	UploadHint:         "MP4 or MOV, up to %s. If the network fails, it goes on from where it was.",
	UploadTitleLabel:   "Title of the play",
	UploadFileLabel:    "File",
	UploadDo:           "Upload",
	UploadNoScript:     "Uploading needs scripts in the browser.",
	UploadTooLarge:     "The file is larger than allowed.",
	UploadNoTitle:      "Write a title.",
	UploadNoFile:       "Choose a file.",
	UploadLongTitle:    "The title can have at most 255 characters.",
	UploadSending:      "{sent} of {total} · {speed}/s · {left} left",
	UploadWaiting:      "No connection: it goes on by itself when the network is back",
	UploadChecking:     "Checking the file…",
	UploadDone:         "Received",
	UploadCancel:       "Cancel",
	UploadFailed:       "The upload failed.",
	UploadUnfinished:   "Unfinished upload: choose the same file and it goes on from where it was.",
	UploadProgress:     "Upload progress",
	StateUploaded:      "Queued",
	StateProcessing:    "Processing: %d%%",
	StateProcessed:     "Ready to publish",
	StatePublic:        "Public",
	StateFailed:        "Could not be processed",
	FailureUnplayable:  "The file cannot be played. Export it again and upload it once more.",
	FailureTimeout:     "It took too long. You can try again.",
	FailureInternal:    "It was our fault. You can try again.",
	DoPublish:          "Publish",
	DoRetry:            "Try again",
	DoDelete:           "Delete",
	DoSee:              "See the public page",
	MyPreview:          "Preview of “%s”",
	DeleteTitle:        "Delete this video?",
	DeleteText:         "The original and the processed video are removed. This cannot be undone.",
	DeleteKeep:         "Keep it",
	ErrorNotFound:      "Out of bounds",
	ErrorNotFoundText:  "There is nothing here: the link has changed, or the video is no longer public.",
	ErrorForbidden:     "Technical foul",
	ErrorForbiddenText: "This belongs to somebody else, and is not shown to you.",
	ErrorServer:        "Time out",
	ErrorServerText:    "Something failed on our side. Try again in a moment.",
	ErrorOther:         "That did not work",
	ErrorRequest:       "Request id",
	ErrorHome:          "Go to the videos",
	OfflineTitle:       "Offline",
	OfflineText:        "There is no network. The page comes back when the connection does.",
	OfflineRetry:       "Try again",
	PasswordTitle:      "Change the password",
	PasswordNote:       "All other devices are signed out.",
	PasswordOld:        "Present password",
	PasswordNew:        "New password",
	PasswordDo:         "Change the password",
	PasswordChanged:    "Password changed. Other devices have to sign in again.",
	PasswordWrong:      "This is not the account's password.",
	DataTitle:          "My data",
	DataNote:           "All that we keep of you, in one JSON file: profile, videos, votes and activity.",
	DataDo:             "Download my data",
	LeaveTitle:         "Delete your account?",
	LeaveLead:          "If you do not want to take part any more, you can delete your account and your data.",
	LeaveText:          "Your profile, your videos (public ones too) and the votes they received are removed, and the votes that you gave are taken back. This cannot be undone.",
	LeaveDo:            "Delete my account",
	LeaveKeep:          "Keep it",
	LeaveLink:          "Delete my account…",
}
