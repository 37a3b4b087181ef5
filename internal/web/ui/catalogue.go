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
	NavVideos       string
	NavTakePart     string
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
	RankingFirst    string

	VideosTitle    string
	VideosNote     string
	VideoPosterAlt string // %s: title, %s: player
	VideosEmpty    string
	VideosFirst    string
	VideosHow      string

	TakePartTitle string
	TakePartNote  string
	Steps         [3]step
	TakePartDocs  string

	DevelopersTitle   string
	DevelopersNote    string
	DevelopersDocs    string
	DevelopersOpenAPI string

	FooterOrganizer string
	FooterContest   string

	FileNotFound string
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
	NavVideos:       "Videos",
	NavTakePart:     "Participar",
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
	RankingFirst:    "La clasificación empieza con el primer video público. Publica el tuyo y estrénala.",

	VideosTitle:    "Videos más recientes",
	VideosNote:     "Cada persona puede votar una vez por cada video.",
	VideoPosterAlt: "Imagen del video «%s», de %s",
	VideosEmpty:    "La cancha está lista",
	VideosFirst:    "Todavía no hay videos públicos. El primero puede ser el tuyo: crea tu cuenta, sube un MP4 o MOV y publícalo.",
	VideosHow:      "Cómo registrarse y subir un video",

	TakePartTitle: "Así se participa",
	TakePartNote:  "Tres pasos, del celular a la clasificación.",
	Steps: [3]step{
		{"Sube tu video", "Crea tu cuenta y sube un MP4 o MOV con tu mejor jugada."},
		{"Lo preparamos", "Tomamos los primeros 30 segundos, en alta definición y con el sello de la ANB."},
		{"Publica y suma votos", "Cuando esté listo, publícalo. Los votos de todos tus videos cuentan para tu lugar."},
	},
	TakePartDocs: "Empezar en la guía de la plataforma",

	DevelopersTitle:   "Para desarrolladores",
	DevelopersNote:    "Todo lo que hace este sitio se puede hacer por su API.",
	DevelopersDocs:    "Leer y probar la API",
	DevelopersOpenAPI: "Descripción OpenAPI 3.1",

	FooterOrganizer: "Asociación Nacional de Baloncesto",
	FooterContest:   "ANB Rising Stars Showcase, concurso nacional de habilidades.",

	FileNotFound: "No existe este archivo.",
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
	NavVideos:       "Videos",
	NavTakePart:     "Take part",
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
	RankingFirst:    "The ranking starts with the first public video. Publish yours and open it.",

	VideosTitle:    "Newest videos",
	VideosNote:     "Everybody can vote once for each video.",
	VideoPosterAlt: "Picture from the video “%s”, by %s",
	VideosEmpty:    "The court is ready",
	VideosFirst:    "There are no public videos yet. The first can be yours: create your account, upload an MP4 or MOV and publish it.",
	VideosHow:      "How to sign up and upload a video",

	TakePartTitle: "How to take part",
	TakePartNote:  "Three steps from your phone to the ranking.",
	Steps: [3]step{
		{"Upload your video", "Create your account and upload an MP4 or MOV of your best play."},
		{"We get it ready", "We take the first 30 seconds, in high definition and with the ANB's seal."},
		{"Publish and collect votes", "When it is ready, publish it. The votes of all your videos count towards your place."},
	},
	TakePartDocs: "Start with the platform's guide",

	DevelopersTitle:   "For developers",
	DevelopersNote:    "Everything this site does can be done through its API.",
	DevelopersDocs:    "Read and try the API",
	DevelopersOpenAPI: "OpenAPI 3.1 description",

	FooterOrganizer: "Asociación Nacional de Baloncesto",
	FooterContest:   "ANB Rising Stars Showcase, national skills contest.",

	FileNotFound: "There is no such file.",
}
