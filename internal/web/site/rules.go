package site

import (
	"encoding/json"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// rule is a check of one field that the browser makes before it sends the form, so that the user need not type the
// passwords again, and the message if it fails. The contest's rules remain authoritative. site.js implements the
// kinds.
type rule struct {
	Kind  string `json:"kind"`            // missing, blank, short, long, bytes, email or differs
	Limit int    `json:"limit,omitempty"` // in characters, or in bytes for bytes
	Text  string `json:"text"`
}

// rulesOf returns a field's rules as JSON, in the order in which to check them, and its minimum length in characters.
func (w *words) rulesOf(field string) (rules string, least int) {
	tag := lang.Spanish
	if w == &english {
		tag = lang.English
	}
	say := func(kind string, fault contest.Fault, limit int) rule {
		return rule{kind, limit, problem.FaultText(contest.Field{Fault: fault, Limit: limit}, tag)}
	}
	missing, blank := say("missing", contest.Missing, 0), say("blank", contest.Blank, 0)
	var list []rule
	switch field {
	case "first_name", "last_name":
		list = []rule{missing, blank, say("long", contest.TooLong, contest.MaxName)}
	case "city", "country":
		list = []rule{say("long", contest.TooLong, contest.MaxCity)}
	case "email":
		list = []rule{missing, say("email", contest.NotEmail, 0)}
	case "password":
		list = []rule{missing}
	case "password1":
		least = contest.MinPassword
		list = []rule{missing, blank, say("short", contest.TooShort, least), say("bytes", contest.TooBig, contest.MaxPasswordBytes)}
	case "password2":
		list = []rule{missing, {Kind: "differs", Text: w.PasswordsDiffer}}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // numbers and texts only
	}
	return string(text), least
}
