package ui

import "net/http"

// layoutView is what layout.html needs of every page; page views embed it.
type layoutView struct {
	Words *words
	Other *words // the other language, for the switch
	Home  string // the front page, in the language the reader chose by the switch if they did
}

func newLayoutView(r *http.Request, lang string) layoutView {
	v := layoutView{Words: wordsOf(lang), Other: &english, Home: "/"}
	if v.Words == v.Other {
		v.Other = &spanish
	}
	if r.URL.Query().Get("lang") == v.Words.Lang {
		v.Home = "/?lang=" + v.Words.Lang
	}
	return v
}
