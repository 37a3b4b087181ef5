package history

// maybe is what can be known of a thing that is there or not: yes and no are whether it can be either. One whose outcome is
// unknown may still come through after others, so it stays possible.
type maybe struct {
	yes, no            bool
	lateGive, lateTake bool
}

// orNone is what is known before anybody asked for anything: it is not there.
func (m maybe) orNone() maybe {
	if !m.yes && !m.no {
		m.no = true
	}
	return m
}

// give is what is known after somebody asked for the thing, and what of the answer cannot be.
func (m maybe) give(o Operation) (after maybe, wrong string) {
	switch {
	case o.Outcome == Unknown:
		m.yes, m.lateGive = true, true
	case o.Outcome == Acknowledged:
		if !m.no {
			wrong = "acknowledged twice"
		}
		m.yes, m.no = true, m.lateTake
	case o.Held:
		if !m.yes {
			wrong = "refused as done already, and was not"
		}
		m.yes, m.no = true, m.lateTake
	}
	return m, wrong
}

// take is the same for who asked for the thing to go.
func (m maybe) take(o Operation) (after maybe, wrong string) {
	switch {
	case o.Outcome == Unknown:
		m.no, m.lateTake = true, true
	case o.Outcome == Acknowledged:
		if !m.yes {
			wrong = "acknowledged, and there was nothing"
		}
		m.yes, m.no = m.lateGive, true
	case o.Held:
		if !m.no {
			wrong = "refused for there being nothing, and there was"
		}
		m.yes, m.no = m.lateGive, true
	}
	return m, wrong
}
