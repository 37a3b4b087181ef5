package history_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/testkit/history"
)

// consistentRun is a history and the state that it leads to.
func consistentRun() ([]history.Operation, history.State) {
	operations := []history.Operation{
		{Action: history.SignUp, Account: "star", Outcome: history.Acknowledged},
		{Action: history.SignUp, Account: "fan", Outcome: history.Acknowledged},
		{Action: history.SignUp, Account: "late", Outcome: history.Unknown},
		{Action: history.Upload, Account: "star", Title: "one", VideoID: 1, Content: "aa", Outcome: history.Acknowledged},
		{Action: history.Upload, Account: "star", Title: "two", VideoID: 2, Outcome: history.Acknowledged},
		{Action: history.Upload, Account: "star", Title: "cut", Outcome: history.Refused},
		{Action: history.Upload, Account: "star", Title: "gone", VideoID: 3, Outcome: history.Acknowledged},
		{Action: history.Delete, Account: "star", Title: "gone", VideoID: 3, Outcome: history.Acknowledged},
		{Action: history.Publish, Account: "star", VideoID: 1, Outcome: history.Acknowledged},
		{Action: history.Vote, Account: "fan", VideoID: 1, Outcome: history.Acknowledged},
		{Action: history.Vote, Account: "fan", VideoID: 1, Outcome: history.Refused, AlreadyDone: true},
		{Action: history.Vote, Account: "star", VideoID: 1, Outcome: history.Refused},
		{Action: history.Upload, Account: "star", Title: "unanswered", Content: "bb", Outcome: history.Unknown},
	}
	return operations, history.State{
		Accounts: []string{"star", "fan"},
		Videos: []history.Video{
			{ID: 1, Owner: "star", Title: "one", Content: "aa", Status: "public", Votes: 1, CompletedJobs: 1, Objects: []string{"a", "b"}},
			{ID: 2, Owner: "star", Title: "two", Status: "failed", FailureReason: "unplayable", Objects: []string{"c"}},
		},
		Votes:   []history.VoteOf{{Voter: "fan", VideoID: 1}},
		Ranking: map[string]int{"star": 1},
		Objects: []string{"a", "b", "c"},
	}
}

// Each case breaks the consistent run in one way, or in a way that is allowed.
func TestCheck(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*[]history.Operation, *history.State)
		want   []string
	}{
		"nothing": {func(*[]history.Operation, *history.State) {}, nil},
		"unknown sign-up that took effect": {
			func(_ *[]history.Operation, s *history.State) { s.Accounts = append(s.Accounts, "late") },
			nil,
		},
		"lost account": {
			func(_ *[]history.Operation, s *history.State) { s.Accounts = s.Accounts[:1] },
			[]string{"account lost: fan was acknowledged"},
		},
		"account stored twice": {
			func(_ *[]history.Operation, s *history.State) { s.Accounts = append(s.Accounts, "fan") },
			[]string{"account duplicated: fan is stored 2 times"},
		},
		"account that was not requested": {
			func(_ *[]history.Operation, s *history.State) { s.Accounts = append(s.Accounts, "ghost") },
			[]string{"account unexpected: ghost was refused, removed or never requested"},
		},
		"account acknowledged twice": {
			func(o *[]history.Operation, _ *history.State) { *o = append(*o, (*o)[0]) },
			[]string{"account answer contradicts: sign-up of star: acknowledged twice"},
		},
		"lost upload": {
			func(_ *[]history.Operation, s *history.State) { s.Videos, s.Objects = s.Videos[:1], s.Objects[:2] },
			[]string{"upload lost: two was acknowledged"},
		},
		"upload stored twice": {
			func(_ *[]history.Operation, s *history.State) {
				s.Videos = append(s.Videos, history.Video{ID: 9, Owner: "star", Title: "two", Status: "processed", CompletedJobs: 1})
			},
			[]string{"upload duplicated: two is stored 2 times", "upload under another id: two was acknowledged as video 2 and is video 9"},
		},
		"upload acknowledged twice": {
			func(o *[]history.Operation, _ *history.State) { *o = append(*o, (*o)[4]) },
			[]string{"upload answer contradicts: two: acknowledged twice"},
		},
		"upload under another id": {
			func(o *[]history.Operation, _ *history.State) { (*o)[4].VideoID = 1 },
			[]string{"upload under another id: two was acknowledged as video 1 and is video 2"},
		},
		"upload of another account": {
			func(_ *[]history.Operation, s *history.State) { s.Videos[1].Owner = "fan" },
			[]string{"upload of another account: video 2 of star belongs to fan"},
		},
		"original with other bytes": {
			func(_ *[]history.Operation, s *history.State) { s.Videos[0].Content = "ab" },
			[]string{`original changed: video 1: sent "aa", stored "ab"`},
		},
		"original that is not there": {
			func(_ *[]history.Operation, s *history.State) { s.Videos[0].Content, s.Objects = "", s.Objects[1:] },
			[]string{"object lost: a is named by a row", `original changed: video 1: sent "aa", stored ""`},
		},
		"unanswered upload that took effect": {
			func(_ *[]history.Operation, s *history.State) {
				s.Videos = append(s.Videos, history.Video{ID: 9, Owner: "star", Title: "unanswered", Content: "bb", Status: "processed", CompletedJobs: 1})
			},
			nil,
		},
		"unanswered upload with other bytes": {
			func(_ *[]history.Operation, s *history.State) {
				s.Videos = append(s.Videos, history.Video{ID: 9, Owner: "star", Title: "unanswered", Content: "b", Status: "processed", CompletedJobs: 1})
			},
			[]string{`original changed: video 9: sent "bb", stored "b"`},
		},
		"refused upload that is stored": {
			func(_ *[]history.Operation, s *history.State) {
				s.Videos = append(s.Videos, history.Video{ID: 9, Owner: "star", Title: "cut", Status: "processed", CompletedJobs: 1})
			},
			[]string{"upload unexpected: cut was refused, removed or never requested"},
		},
		"deleted video that is stored": {
			func(_ *[]history.Operation, s *history.State) {
				s.Videos = append(s.Videos, history.Video{ID: 3, Owner: "star", Title: "gone", Status: "processed", CompletedJobs: 1})
			},
			[]string{"upload unexpected: gone was refused, removed or never requested"},
		},
		"unfinished video": {
			func(_ *[]history.Operation, s *history.State) { s.Videos[1].Status = "processing" },
			[]string{"video unfinished: video 2 is processing"},
		},
		"failure without a reason": {
			func(_ *[]history.Operation, s *history.State) { s.Videos[1].FailureReason = "" },
			[]string{"failure without a reason: video 2"},
		},
		"lost publication": {
			func(_ *[]history.Operation, s *history.State) { s.Videos[0].Status, s.Ranking = "processed", nil },
			[]string{"publication lost: video 1"},
		},
		"refused publication that took effect": {
			func(o *[]history.Operation, _ *history.State) { (*o)[8].Outcome = history.Refused },
			[]string{"publication unexpected: video 1"},
		},
		"video processed twice": {
			func(_ *[]history.Operation, s *history.State) { s.Videos[0].CompletedJobs = 2 },
			[]string{"video processed another number of times: video 1 is public after 2 completed jobs"},
		},
		"job left over": {
			func(_ *[]history.Operation, s *history.State) { s.Videos[1].OpenJobs = 1 },
			[]string{"job left over: video 2 has 1"},
		},
		"lost vote": {
			func(_ *[]history.Operation, s *history.State) {
				s.Votes, s.Videos[0].Votes, s.Ranking["star"] = nil, 0, 0
			},
			[]string{"vote lost: fan for video 1 was acknowledged"},
		},
		"vote of another voter": {
			func(_ *[]history.Operation, s *history.State) { s.Votes[0].Voter = "late" },
			[]string{
				"vote lost: fan for video 1 was acknowledged",
				"vote unexpected: late for video 1 was refused, removed or never requested",
			},
		},
		"vote stored twice": {
			func(_ *[]history.Operation, s *history.State) {
				s.Votes, s.Videos[0].Votes, s.Ranking["star"] = append(s.Votes, s.Votes[0]), 2, 2
			},
			[]string{"vote duplicated: fan for video 1 is stored 2 times"},
		},
		"vote acknowledged twice": {
			func(o *[]history.Operation, _ *history.State) { (*o)[10] = (*o)[9] },
			[]string{"vote answer contradicts: fan for video 1, vote: acknowledged twice"},
		},
		"refused vote that counts": {
			func(_ *[]history.Operation, s *history.State) {
				s.Votes, s.Videos[0].Votes, s.Ranking["star"] = append(s.Votes, history.VoteOf{Voter: "star", VideoID: 1}), 2, 2
			},
			[]string{"vote unexpected: star for video 1 was refused, removed or never requested"},
		},
		"first vote refused as the second": {
			func(o *[]history.Operation, _ *history.State) {
				(*o)[9].Outcome, (*o)[9].AlreadyDone = history.Refused, true
			},
			[]string{"vote answer contradicts: fan for video 1, vote: refused because it exists, and it did not"},
		},
		"unanswered vote that took no effect": {
			func(o *[]history.Operation, s *history.State) {
				(*o)[9].Outcome = history.Unknown
				*o = slices.Delete(*o, 10, 11) // the second vote, which was refused because of the first
				s.Votes, s.Videos[0].Votes, s.Ranking["star"] = nil, 0, 0
			},
			nil,
		},
		"unanswered vote that took effect": {
			func(o *[]history.Operation, _ *history.State) { (*o)[9].Outcome = history.Unknown },
			nil,
		},
		"withdrawn vote that counts": {
			func(o *[]history.Operation, _ *history.State) {
				*o = append(*o, history.Operation{Action: history.WithdrawVote, Account: "fan", VideoID: 1, Outcome: history.Acknowledged})
			},
			[]string{"vote unexpected: fan for video 1 was refused, removed or never requested"},
		},
		"withdrawal of a vote that does not exist": {
			func(o *[]history.Operation, _ *history.State) {
				*o = append(*o, history.Operation{Action: history.WithdrawVote, Account: "star", VideoID: 1, Outcome: history.Acknowledged})
			},
			[]string{"vote answer contradicts: star for video 1, withdraw vote: acknowledged, and there was nothing to remove"},
		},
		"withdrawal that does not find the vote": {
			func(o *[]history.Operation, _ *history.State) {
				*o = append(*o, history.Operation{Action: history.WithdrawVote, Account: "fan", VideoID: 1, Outcome: history.Refused, AlreadyDone: true})
			},
			[]string{
				"vote answer contradicts: fan for video 1, withdraw vote: refused because there is nothing to remove, and there was",
				"vote unexpected: fan for video 1 was refused, removed or never requested",
			},
		},
		"unanswered withdrawal, before or after the next vote": {
			func(o *[]history.Operation, _ *history.State) {
				*o = append(*o, history.Operation{Action: history.WithdrawVote, Account: "fan", VideoID: 1, Outcome: history.Unknown},
					history.Operation{Action: history.Vote, Account: "fan", VideoID: 1, Outcome: history.Acknowledged})
			},
			nil,
		},
		"wrong counter of a video": {
			func(_ *[]history.Operation, s *history.State) { s.Videos[0].Votes = 2 },
			[]string{"votes of a video miscounted: video 1 shows 2, has 1"},
		},
		"wrong ranking": {
			func(_ *[]history.Operation, s *history.State) { s.Ranking["star"] = 3 },
			[]string{"votes of a player miscounted: star: the ranking shows 3, the videos have 1"},
		},
		"ranking without a player": {
			func(_ *[]history.Operation, s *history.State) { delete(s.Ranking, "star") },
			[]string{"votes of a player miscounted: star: the ranking shows 0, the videos have 1"},
		},
		"object without a row": {
			func(_ *[]history.Operation, s *history.State) { s.Objects = append(s.Objects, "x") },
			[]string{"object left over: x is named by no row"},
		},
		"row without an object": {
			func(_ *[]history.Operation, s *history.State) { s.Objects = s.Objects[1:] },
			[]string{"object lost: a is named by a row"},
		},
		"work file": {
			func(_ *[]history.Operation, s *history.State) { s.WorkFiles = []string{"work/x"} },
			[]string{"work file left over: work/x"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			operations, state := consistentRun()
			test.change(&operations, &state)

			var got []string
			for _, f := range history.Check(operations, state, history.Rules{VideosMayFail: true}) {
				got = append(got, f.String())
			}

			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// Without faults in the processing a failed video is a finding, whatever its reason.
func TestCheckThatNoVideoFails(t *testing.T) {
	t.Parallel()
	operations, state := consistentRun()

	got := history.Check(operations, state, history.Rules{})

	want := []history.Finding{{Kind: "video failed", Detail: "video 2: unplayable"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]history.Outcome{
		0: history.Unknown, 200: history.Acknowledged, 201: history.Acknowledged, 302: history.Unknown, 400: history.Refused,
		429: history.Refused, 499: history.Refused, 500: history.Unknown, 503: history.Unknown, 507: history.Refused,
	} {
		if got := history.OutcomeOf(status); got != want {
			t.Errorf("%d: got %s, want %s", status, got, want)
		}
	}
}

func TestRecorder(t *testing.T) {
	t.Parallel()
	var r history.Recorder
	operations, _ := consistentRun()

	r.Add(operations...)

	if diff := cmp.Diff(operations, r.Operations()); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	want := map[history.Outcome]int{history.Acknowledged: 3, history.Refused: 1, history.Unknown: 1}
	if diff := cmp.Diff(want, r.CountByOutcome()[history.Upload]); diff != "" {
		t.Errorf("uploads (-want +got):\n%s", diff)
	}
}
