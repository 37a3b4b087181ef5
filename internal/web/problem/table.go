package problem

import (
	"fmt"
	"net/http"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
)

type tableRow struct {
	status int
	detail lang.Text
}

// table maps every refusal of the contest to a status and a sentence. The sentences that are the same in both
// languages are part of the API's contract: clients compare them.
var table = map[*contest.Refusal]tableRow{
	contest.ErrPasswordsDiffer: {http.StatusBadRequest, lang.SameInBoth("Las contraseñas no coinciden.")},
	contest.ErrEmailTaken:      {http.StatusBadRequest, lang.SameInBoth("Email ya está registrado.")},
	contest.ErrBadCredentials:  {http.StatusUnauthorized, lang.SameInBoth("Credenciales inválidas.")},
	contest.ErrWrongPassword: {http.StatusForbidden, lang.Text{
		ES: "La contraseña no es la de esta cuenta.",
		EN: "The password is not this account's.",
	}},
	contest.ErrNotSignedIn: {http.StatusUnauthorized, lang.Text{
		ES: "Inicia sesión: hace falta un token válido.",
		EN: "Sign in: a valid token is needed.",
	}},

	contest.ErrAccountSuspended: {http.StatusForbidden, lang.Text{
		ES: "La organización ha cerrado esta cuenta. Si crees que es un error, escríbele.",
		EN: "The organizers have shut this account. If you think that is a mistake, write to them.",
	}},
	contest.ErrAccountNotSuspended: {http.StatusConflict, lang.Text{
		ES: "La cuenta no está cerrada.",
		EN: "The account is not shut.",
	}},

	contest.ErrNotAVideo: {http.StatusBadRequest, lang.Text{
		ES: "El archivo no es un video MP4 o MOV.",
		EN: "The file is not an MP4 or MOV video.",
	}},
	contest.ErrNoPicture: {http.StatusBadRequest, lang.Text{
		ES: "El archivo no contiene imágenes: le falta la pista de video.",
		EN: "The file has no pictures: its video track is missing.",
	}},
	contest.ErrEmptyFile: {http.StatusBadRequest, lang.Text{
		ES: "El archivo está vacío.",
		EN: "The file is empty.",
	}},
	contest.ErrTruncated: {http.StatusBadRequest, lang.Text{
		ES: "El video está incompleto: el archivo termina antes de tiempo. Vuelve a exportarlo o a subirlo.",
		EN: "The video is incomplete: the file ends too early. Export or upload it again.",
	}},
	contest.ErrUnplayable: {http.StatusBadRequest, lang.Text{
		ES: "El video no se puede reproducir. Expórtalo de nuevo como MP4 (H.264 o HEVC).",
		EN: "The video cannot be played. Export it again as MP4 (H.264 or HEVC).",
	}},
	contest.ErrTooLarge: {http.StatusRequestEntityTooLarge, lang.Text{
		ES: "El archivo supera el tamaño máximo permitido.",
		EN: "The file is larger than allowed.",
	}},
	contest.ErrNoSpace: {http.StatusInsufficientStorage, lang.Text{
		ES: "Por ahora no queda espacio para más videos. Vuelve a probar más tarde.",
		EN: "There is no space for more videos right now. Try again later.",
	}},
	contest.ErrTooManyPixels: {http.StatusBadRequest, lang.Text{
		ES: "La imagen del video supera 8K (7680×4320).",
		EN: "The video's picture is larger than 8K (7680×4320).",
	}},
	contest.ErrTooLong: {http.StatusBadRequest, lang.Text{
		ES: "El video dura más de 10 minutos.",
		EN: "The video is longer than 10 minutes.",
	}},
	contest.ErrBadFrameRate: {http.StatusBadRequest, lang.Text{
		ES: "El video tiene una frecuencia de cuadros que no se admite: más de 240 por segundo, o ninguna.",
		EN: "The video's frame rate is out of range: more than 240 per second, or none.",
	}},
	contest.ErrTooManyStreams: {http.StatusBadRequest, lang.Text{
		ES: "El archivo contiene demasiadas pistas.",
		EN: "The file has too many streams.",
	}},
	contest.ErrQuotaExceeded: {http.StatusRequestEntityTooLarge, lang.Text{
		ES: "Tus videos sin publicar ya ocupan todo el espacio permitido. Publica o elimina alguno.",
		EN: "Your unpublished videos take all the space that is allowed. Publish or delete one.",
	}},
	contest.ErrDeclaredTypeMismatch: {http.StatusBadRequest, lang.Text{
		ES: "El archivo se envió con un tipo que no es de video MP4 o MOV.",
		EN: "The file was sent under a type that is not MP4 or MOV video.",
	}},

	contest.ErrNoVideo:  {http.StatusNotFound, lang.SameInBoth("Video not found")},
	contest.ErrNotOwner: {http.StatusForbidden, lang.SameInBoth("You are not authorized")},
	contest.ErrNotProcessed: {http.StatusBadRequest, lang.Text{
		ES: "El video aún no está procesado.",
		EN: "The video is not processed yet.",
	}},
	contest.ErrNotFailed: {http.StatusBadRequest, lang.Text{
		ES: "Solo se puede reintentar un video que ha fallado.",
		EN: "Only a failed video can be tried again.",
	}},
	contest.ErrPublic: {http.StatusBadRequest, lang.SameInBoth("Video is public")},
	contest.ErrHidden: {http.StatusBadRequest, lang.Text{
		ES: "La organización ha retirado este video. Si crees que es un error, escríbele.",
		EN: "The organizers have withdrawn this video. If you think that is a mistake, write to them.",
	}},
	contest.ErrNotPublic: {http.StatusConflict, lang.Text{
		ES: "El video no es público.",
		EN: "The video is not public.",
	}},
	contest.ErrNotHidden: {http.StatusConflict, lang.Text{
		ES: "El video no está retirado.",
		EN: "The video is not withdrawn.",
	}},

	contest.ErrAlreadyVoted: {http.StatusBadRequest, lang.SameInBoth("You have already voted for this video")},
	contest.ErrNotVoted: {http.StatusNotFound, lang.Text{
		ES: "No has votado por este video.",
		EN: "You have not voted for this video.",
	}},
	contest.ErrOwnVideo: {http.StatusForbidden, lang.Text{
		ES: "No puedes votar por tu propio video.",
		EN: "You cannot vote for your own video.",
	}},

	contest.ErrNoPlayer: {http.StatusNotFound, lang.Text{
		ES: "No hay tal participante.",
		EN: "There is no such player.",
	}},
}

// Sentences for errors that are not in the table.
var (
	invalidText = lang.Text{
		ES: "Hay datos que faltan o no son válidos.",
		EN: "Some fields are missing or invalid.",
	}
	tooManyText = lang.Text{
		ES: "Demasiados intentos. Espera un momento y vuelve a probar.",
		EN: "Too many attempts. Wait a moment and try again.",
	}
	bodyTooLargeText = lang.Text{
		ES: "La solicitud es demasiado grande.",
		EN: "The request is too large.",
	}
	notOrganizerText = lang.Text{
		ES: "Esta página es de la organización: hace falta su contraseña.",
		EN: "This page is the organizers': their password is needed.",
	}
	fromElsewhereText = lang.Text{
		ES: "La solicitud viene de la página de otro sitio.",
		EN: "The request comes from a page of another site.",
	}
	unservedText = lang.Text{
		ES: "La solicitud no se puede atender.",
		EN: "The request cannot be served.",
	}
	internalText = lang.Text{
		ES: "Error interno. Si se repite, avisa a la organización con el identificador de la solicitud.",
		EN: "Internal error. If it happens again, tell the organizers the request id.",
	}
	statusTexts = map[int]lang.Text{
		http.StatusBadRequest: {ES: "La solicitud no se entiende.", EN: "The request cannot be understood."},
		http.StatusNotFound:   {ES: "No existe esta dirección.", EN: "There is nothing at this address."},
		http.StatusConflict:   {ES: "La solicitud no corresponde al estado actual.", EN: "The request does not fit the present state."},
		http.StatusMethodNotAllowed: {
			ES: "Esta dirección no admite ese método.",
			EN: "This address does not support that method.",
		},
		http.StatusNotAcceptable: {
			ES: "La respuesta solo existe en JSON.",
			EN: "The answer is available as JSON only.",
		},
		http.StatusRequestTimeout: {
			ES: "La solicitud tardó demasiado en llegar.",
			EN: "The request took too long to arrive.",
		},
		http.StatusPreconditionFailed: {
			ES: "El archivo no es el que se esperaba.",
			EN: "The file is not the one that was expected.",
		},
		http.StatusRequestedRangeNotSatisfiable: {
			ES: "La parte que se pide está fuera del archivo.",
			EN: "The requested part lies outside the file.",
		},
		http.StatusRequestEntityTooLarge: bodyTooLargeText,
		http.StatusRequestHeaderFieldsTooLarge: {
			ES: "El encabezado de la solicitud es demasiado grande.",
			EN: "The request's header is too large.",
		},
		http.StatusUnsupportedMediaType: {
			ES: "El cuerpo de la solicitud debe ser de otro tipo (mira /docs).",
			EN: "The request's body must be of another type (see /docs).",
		},
		http.StatusUnprocessableEntity: invalidText,
		http.StatusLocked: {
			ES: "Otra solicitud está usando esta subida. Vuelve a probar en un momento.",
			EN: "Another request is using this upload. Try again in a moment.",
		},
		http.StatusServiceUnavailable: {
			ES: "El servicio no está disponible en este momento.",
			EN: "The service is not available right now.",
		},
	}
)

// FaultText is the sentence for one invalid field. The site uses it for forms that it checks before it calls the
// domain.
func FaultText(f contest.Field, tag lang.Tag) string { return faultText(f, tag) }

// faultText is the sentence for one invalid field.
func faultText(f contest.Field, tag lang.Tag) string {
	text, ok := faultTexts[f.Fault]
	if !ok {
		return invalidText.In(tag)
	}
	if f.Limit > 0 {
		return fmt.Sprintf(text.In(tag), f.Limit)
	}
	return text.In(tag)
}

var faultTexts = map[contest.Fault]lang.Text{
	contest.Missing:  {ES: "Es obligatorio.", EN: "Is required."},
	contest.Blank:    {ES: "No puede estar en blanco.", EN: "Must not be blank."},
	contest.TooShort: {ES: "Debe tener al menos %d caracteres.", EN: "Must have at least %d characters."},
	contest.TooLong:  {ES: "Puede tener como máximo %d caracteres.", EN: "Must have at most %d characters."},
	contest.TooBig:   {ES: "Puede ocupar como máximo %d bytes.", EN: "Must have at most %d bytes."},
	contest.NotEmail: {ES: "Debe ser una dirección de correo válida.", EN: "Must be a valid email address."},
	contest.Repeated: {ES: "Solo se puede enviar una vez.", EN: "Can be sent only once."},
	contest.NotText:  {ES: "Debe ser texto sin caracteres de control.", EN: "Must be text without control characters."},
}
