package store_test

import (
	"cmp"
	"slices"
	"time"

	"pgregory.net/rapid"

	"risingstars/internal/contest"
)

// asideVote is a vote that does not count: void, or for a hidden video.
type asideVote struct {
	at   time.Time
	void bool
}

func (m *model) decision(t *rapid.T) contest.Decision {
	return contest.Decision{By: "alba", Reason: "bought", At: m.now, DryRun: rapid.IntRange(0, 3).Draw(t, "trial") == 0}
}

// Hide hides a video.
func (m *model) Hide(t *rapid.T) {
	v, d := &m.videos[m.someVideo(t)], m.decision(t)
	_, err := m.w.HideVideo(t.Context(), v.ID, d)
	switch {
	case v.Hidden == contest.HiddenByOrganizer:
		wantErr(t, err, contest.ErrHidden)
	case v.Status != contest.Public && v.Hidden != contest.HiddenWithAccount:
		wantErr(t, err, contest.ErrNotPublic)
	default:
		check(t, err)
		if !d.DryRun {
			m.hide(v, contest.HiddenByOrganizer)
		}
	}
}

// Show unhides a video.
func (m *model) Show(t *rapid.T) {
	v, d := &m.videos[m.someVideo(t)], m.decision(t)
	_, err := m.w.UnhideVideo(t.Context(), v.ID, d)
	switch {
	case v.Hidden == contest.NotHidden:
		wantErr(t, err, contest.ErrNotHidden)
	case m.player(v.PlayerID).IsSuspended():
		wantErr(t, err, contest.ErrAccountSuspended)
	default:
		check(t, err)
		if !d.DryRun {
			m.show(v)
			m.untie(v.PlayerID)
		}
	}
}

// Shut suspends a player's account, or reinstates it.
func (m *model) Shut(t *rapid.T) {
	p, d := m.player(m.somePlayer(t, "player").ID), m.decision(t)
	do := m.w.SuspendAccount
	if p.IsSuspended() {
		_, err := do(t.Context(), p.ID, d)
		wantErr(t, err, contest.ErrAccountSuspended)
		do = m.w.ReinstateAccount
	}
	_, err := do(t.Context(), p.ID, d)
	check(t, err)
	if d.DryRun {
		return
	}
	if shut := p.IsSuspended(); shut {
		p.SuspendedAt = time.Time{}
	} else {
		p.SuspendedAt = m.now
	}
	for i := range m.videos {
		switch v := &m.videos[i]; {
		case v.PlayerID != p.ID:
		case p.IsSuspended() && v.Status == contest.Public:
			m.hide(v, contest.HiddenWithAccount)
		case !p.IsSuspended() && v.Hidden == contest.HiddenWithAccount:
			m.show(v)
		}
	}
	m.untie(p.ID)
}

// Void voids the votes that one account has cast, for one player or all, or reinstates them.
func (m *model) Void(t *rapid.T) {
	q := contest.VoteSelection{VoterID: m.somePlayer(t, "voter").ID, PlayerID: m.somePlayer(t, "player").ID}
	if keys := m.sortedVotes(); len(keys) > 0 {
		q.VoterID = rapid.SampledFrom(keys).Draw(t, "vote")[1]
		if rapid.Bool().Draw(t, "for anybody") {
			q.PlayerID = 0
		}
	}
	d, restored := m.decision(t), rapid.Bool().Draw(t, "restored")
	organizers := m.w.organizers(func() time.Time { return m.now })
	do := organizers.VoidVotes
	if restored {
		do = organizers.ReinstateVotes
	}
	effects, err := do(t.Context(), q, d)
	check(t, err)
	votes := 0
	for _, e := range effects {
		votes += e.Votes
	}
	wantVotes(t, votes, m.void(q, restored, !d.DryRun))
}

// void counts the selected votes, and voids or reinstates them in the model if meant is true.
func (m *model) void(q contest.VoteSelection, restored, meant bool) (votes int) {
	for i := range m.videos {
		v := &m.videos[i]
		key := [2]int64{v.ID, q.VoterID}
		at, counts := m.given[key]
		a, aside := m.aside[key]
		if q.PlayerID != 0 && v.PlayerID != q.PlayerID || !(counts && !restored || aside && a.void == restored) {
			continue
		}
		votes++
		switch {
		case !meant:
		case counts:
			delete(m.given, key)
			m.aside[key] = asideVote{at, true}
			v.Votes--
		case restored && v.Status == contest.Public:
			delete(m.aside, key)
			m.given[key] = a.at
			v.Votes++
			m.untie(v.PlayerID)
		default:
			m.aside[key] = asideVote{a.at, !restored}
		}
	}
	return votes
}

func (m *model) hide(v *contest.Video, why contest.HiddenReason) {
	v.Status, v.Hidden, v.Votes = contest.Processed, why, 0
	for key, at := range m.given {
		if key[0] == v.ID {
			delete(m.given, key)
			m.aside[key] = asideVote{at: at}
		}
	}
}

func (m *model) show(v *contest.Video) {
	v.Status, v.Hidden = contest.Public, contest.NotHidden
	for key, a := range m.aside {
		if key[0] == v.ID && !a.void {
			delete(m.aside, key)
			m.given[key] = a.at
			v.Votes++
		}
	}
}

// untie gives each vote for a player its own moment: 1 µs after the vote before it, if it is not later.
func (m *model) untie(player int64) {
	var keys [][2]int64
	for _, v := range m.videos {
		for key := range m.given {
			if key[0] == v.ID && v.PlayerID == player {
				keys = append(keys, key)
			}
		}
	}
	slices.SortFunc(keys, func(a, b [2]int64) int {
		return cmp.Or(m.given[a].Compare(m.given[b]), cmp.Compare(a[1], b[1]), cmp.Compare(a[0], b[0]))
	})
	var before time.Time
	for _, key := range keys {
		if !m.given[key].After(before) {
			m.given[key] = before.Add(time.Microsecond)
		}
		before = m.given[key]
	}
}

func (m *model) player(id int64) *contest.Player {
	return &m.players[slices.IndexFunc(m.players, func(p contest.Player) bool { return p.ID == id })]
}
