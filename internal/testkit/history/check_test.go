package history

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// done is a history without faults, and the state it leads to.
func done() ([]Operation, State) {
	operations := []Operation{
		{Act: SignUp, Who: "star", Outcome: Acknowledged},
		{Act: SignUp, Who: "fan", Outcome: Acknowledged},
		{Act: SignUp, Who: "late", Outcome: Unknown},
		{Act: Upload, Who: "star", Title: "one", VideoID: 1, Outcome: Acknowledged},
		{Act: Upload, Who: "star", Title: "two", VideoID: 2, Outcome: Acknowledged},
		{Act: Upload, Who: "star", Title: "cut", Outcome: Refused},
		{Act: Upload, Who: "star", Title: "gone", VideoID: 3, Outcome: Acknowledged},
		{Act: Delete, Who: "star", Title: "gone", VideoID: 3, Outcome: Acknowledged},
		{Act: Publish, Who: "star", VideoID: 1, Outcome: Acknowledged},
		{Act: Vote, Who: "fan", VideoID: 1, Outcome: Acknowledged},
		{Act: Vote, Who: "fan", VideoID: 1, Outcome: Refused, Held: true},
		{Act: Vote, Who: "star", VideoID: 1, Outcome: Refused},
	}
	return operations, State{
		People: []string{"star", "fan"},
		Videos: []Video{
			{ID: 1, Owner: "star", Title: "one", Status: "public", Votes: 1, Completed: 1, Objects: []string{"a", "b"}},
			{ID: 2, Owner: "star", Title: "two", Status: "failed", Failure: "unplayable", Objects: []string{"c"}},
		},
		Ballots: []Ballot{{"fan", 1}},
		Ranking: map[string]int{"star": 1},
		Objects: []string{"a", "b", "c"},
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(*[]Operation, *State)
		want  []string
	}{
		"nothing":                          {func(*[]Operation, *State) {}, nil},
		"an unknown sign-up that was done": {func(_ *[]Operation, s *State) { s.People = append(s.People, "late") }, nil},
		"a lost account": {
			func(_ *[]Operation, s *State) { s.People = s.People[:1] },
			[]string{"sign-up of fan: acknowledged, and lost"},
		},
		"an account twice": {
			func(_ *[]Operation, s *State) { s.People = append(s.People, "fan") },
			[]string{"sign-up of fan: there 2 times"},
		},
		"an account that nobody asked for": {
			func(_ *[]Operation, s *State) { s.People = append(s.People, "ghost") },
			[]string{"sign-up of ghost: there, and was refused or never asked for"},
		},
		"a lost upload": {
			func(_ *[]Operation, s *State) { s.Videos, s.Objects = s.Videos[:1], s.Objects[:2] },
			[]string{`upload of "two": acknowledged, and lost`},
		},
		"an upload twice": {
			func(_ *[]Operation, s *State) {
				s.Videos = append(s.Videos, Video{ID: 9, Owner: "star", Title: "one", Status: "processed", Completed: 1})
			},
			[]string{`upload of "one": there 2 times`},
		},
		"an upload under another's number": {
			func(o *[]Operation, _ *State) { (*o)[4].VideoID = 1 },
			[]string{`upload of "two": video 1 is "one"`},
		},
		"a cut upload that was entered": {
			func(_ *[]Operation, s *State) {
				s.Videos = append(s.Videos, Video{ID: 9, Owner: "star", Title: "cut", Status: "processed", Completed: 1})
			},
			[]string{`upload of "cut": there, and was refused or never asked for`},
		},
		"a deleted video that came back": {
			func(_ *[]Operation, s *State) {
				s.Videos = append(s.Videos, Video{ID: 3, Owner: "star", Title: "gone", Status: "processed", Completed: 1})
			},
			[]string{`upload of "gone": there, and was refused or never asked for`},
		},
		"a video that is stuck": {
			func(_ *[]Operation, s *State) { s.Videos[1].Status = "processing" },
			[]string{"video 2: is still processing"},
		},
		"a failure without a reason": {
			func(_ *[]Operation, s *State) { s.Videos[1].Failure = "" },
			[]string{"video 2: failed without a reason"},
		},
		"a lost publication": {
			func(_ *[]Operation, s *State) { s.Videos[0].Status, s.Ranking = "processed", nil },
			[]string{"video 1: is processed, against what was answered"},
		},
		"a publication that nobody asked for": {
			func(o *[]Operation, _ *State) { (*o)[8].Outcome = Refused },
			[]string{"video 1: is public, against what was answered"},
		},
		"a video processed twice": {
			func(_ *[]Operation, s *State) { s.Videos[0].Completed = 2 },
			[]string{"video 1: 2 jobs have processed it"},
		},
		"a job that is left": {
			func(_ *[]Operation, s *State) { s.Videos[1].Open = 1 },
			[]string{"video 2: 1 jobs are left"},
		},
		"a lost vote": {
			func(_ *[]Operation, s *State) { s.Ballots, s.Videos[0].Votes, s.Ranking["star"] = nil, 0, 0 },
			[]string{"vote of fan for 1: acknowledged, and lost"},
		},
		"a vote twice": {
			func(_ *[]Operation, s *State) {
				s.Ballots, s.Videos[0].Votes, s.Ranking["star"] = append(s.Ballots, s.Ballots[0]), 2, 2
			},
			[]string{"vote of fan for 1: there 2 times"},
		},
		"a vote acknowledged twice": {
			func(o *[]Operation, _ *State) { (*o)[10] = (*o)[9] },
			[]string{"vote of fan for 1: vote: acknowledged twice"},
		},
		"a refused vote that counts": {
			func(_ *[]Operation, s *State) {
				s.Ballots, s.Videos[0].Votes, s.Ranking["star"] = append(s.Ballots, Ballot{"star", 1}), 2, 2
			},
			[]string{"vote of star for 1: there, and was refused or never asked for"},
		},
		"a first vote refused as the second": {
			func(o *[]Operation, _ *State) { (*o)[9].Outcome, (*o)[9].Held = Refused, true },
			[]string{"vote of fan for 1: vote: refused as done already, and was not"},
		},
		"a vote taken back that counts": {
			func(o *[]Operation, _ *State) {
				*o = append(*o, Operation{Act: TakeBack, Who: "fan", VideoID: 1, Outcome: Acknowledged})
			},
			[]string{"vote of fan for 1: there, and was refused or never asked for"},
		},
		"a vote that nobody has, taken back": {
			func(o *[]Operation, _ *State) {
				*o = append(*o, Operation{Act: TakeBack, Who: "star", VideoID: 1, Outcome: Acknowledged})
			},
			[]string{"vote of star for 1: take back: acknowledged, and there was nothing"},
		},
		"a vote not found to be taken back": {
			func(o *[]Operation, _ *State) {
				*o = append(*o, Operation{Act: TakeBack, Who: "fan", VideoID: 1, Outcome: Refused, Held: true})
			},
			[]string{
				"vote of fan for 1: take back: refused for there being nothing, and there was",
				"vote of fan for 1: there, and was refused or never asked for",
			},
		},
		"a vote taken back at an unknown moment": {
			func(o *[]Operation, _ *State) {
				*o = append(*o, Operation{Act: TakeBack, Who: "fan", VideoID: 1, Outcome: Unknown},
					Operation{Act: Vote, Who: "fan", VideoID: 1, Outcome: Acknowledged})
			},
			nil,
		},
		"a counter that is off": {
			func(_ *[]Operation, s *State) { s.Videos[0].Votes = 2 },
			[]string{"video 1: counts 2 votes, has 1"},
		},
		"a ranking that is off": {
			func(_ *[]Operation, s *State) { s.Ranking["star"] = 3 },
			[]string{"ranking of star: 3 votes, has 1"},
		},
		"a ranking without a player": {
			func(_ *[]Operation, s *State) { delete(s.Ranking, "star") },
			[]string{"ranking of star: 0 votes, has 1"},
		},
		"an object without a row": {
			func(_ *[]Operation, s *State) { s.Objects = append(s.Objects, "x") },
			[]string{"object x: is there, and named by no row"},
		},
		"a row without an object": {
			func(_ *[]Operation, s *State) { s.Objects = s.Objects[1:] },
			[]string{"object a: is named by a row, and not there"},
		},
		"a work file": {
			func(_ *[]Operation, s *State) { s.Left = []string{"work/x"} },
			[]string{"work file work/x: was left"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			operations, state := done()
			test.spoil(&operations, &state)
			if diff := cmp.Diff(test.want, slices.Clip(Check(operations, state))); diff != "" {
				t.Errorf("wrong (-want +got):\n%s", diff)
			}
		})
	}
}
