package history

// presence is what the operations on one thing (an account, an upload, a vote) say about it: whether it may be in the
// state, and whether it may be missing. Both are true once an outcome is unknown. The zero value means that no operation
// is known; orAbsent makes it "missing".
type presence struct {
	mayBePresent, mayBeAbsent bool

	// A request with an unknown outcome may take effect at any later moment, also after requests that were answered. So an
	// acknowledgement that follows does not settle the question.
	unknownAdd, unknownRemove bool
}

// orAbsent is the presence before the first operation: the thing is missing.
func (p presence) orAbsent() presence {
	if !p.mayBePresent && !p.mayBeAbsent {
		p.mayBeAbsent = true
	}
	return p
}

// afterAdd is the presence after a request to add the thing. contradiction says why the answer cannot be true, given the
// answers before it; "" if it can.
func (p presence) afterAdd(o Operation) (after presence, contradiction string) {
	switch {
	case o.Outcome == Unknown:
		p.mayBePresent, p.unknownAdd = true, true
	case o.Outcome == Acknowledged:
		if !p.mayBeAbsent {
			contradiction = "acknowledged twice"
		}
		p.mayBePresent, p.mayBeAbsent = true, p.unknownRemove
	case o.AlreadyDone:
		if !p.mayBePresent {
			contradiction = "refused because it exists, and it did not"
		}
		p.mayBePresent, p.mayBeAbsent = true, p.unknownRemove
	}
	return p, contradiction
}

// afterRemove is the presence after a request to remove the thing.
func (p presence) afterRemove(o Operation) (after presence, contradiction string) {
	switch {
	case o.Outcome == Unknown:
		p.mayBeAbsent, p.unknownRemove = true, true
	case o.Outcome == Acknowledged:
		if !p.mayBePresent {
			contradiction = "acknowledged, and there was nothing to remove"
		}
		p.mayBePresent, p.mayBeAbsent = p.unknownAdd, true
	case o.AlreadyDone:
		if !p.mayBeAbsent {
			contradiction = "refused because there is nothing to remove, and there was"
		}
		p.mayBePresent, p.mayBeAbsent = p.unknownAdd, true
	}
	return p, contradiction
}
