package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/riverqueue/river/rivertype"

	"risingstars/internal/store"
)

func TestBacklog(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			empty, err := w.Backlog(t.Context())
			if empty == nil || len(empty) > 0 || err != nil {
				t.Errorf("empty: got %#v, %v", empty, err)
			}
			check(t, w.Ping(t.Context()))
			p := w.player(t, "ana", "")
			for range 3 {
				w.upload(t, p, "Clavada", start)
			}
			w.exec(t, `UPDATE river_job SET state = 'running' WHERE id = 2`)

			got, err := w.Backlog(t.Context())
			check(t, err)

			want := []store.JobState{
				{State: "available", Count: 2, Oldest: w.job(t, "1").ScheduledAt},
				{State: "running", Count: 1, Oldest: w.job(t, "2").ScheduledAt},
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(time.Millisecond)); diff != "" {
				t.Errorf("backlog (-want +got):\n%s", diff)
			}
			check(t, w.Ping(t.Context()))
		})
	}
}

func TestPingFailsWithoutADatabase(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		e.ready(t)
		db, err := e.open(t.Context(), t.TempDir())
		check(t, err)
		w := newWorld(t, db)
		check(t, db.Writer.Close())
		if w.Ping(t.Context()) == nil {
			t.Error("no writer, and it answers")
		}
		check(t, db.Readers.Close())
		if w.Ping(t.Context()) == nil {
			t.Error("nothing, and it answers")
		}
	}
}

func TestRecoverInterrupted(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			p := w.player(t, "ana", "")
			tests := []struct {
				state   string
				attempt int
				// The state after the recovery.
				wantState   rivertype.JobState
				wantAttempt int
			}{
				{"running", 1, rivertype.JobStateAvailable, 0},
				{"running", 4, rivertype.JobStateAvailable, 3},
				{"running", 0, rivertype.JobStateAvailable, 0},
				{"available", 2, rivertype.JobStateAvailable, 2},
				{"retryable", 2, rivertype.JobStateRetryable, 2},
				{"scheduled", 2, rivertype.JobStateScheduled, 2},
			}
			tasks := make([]string, len(tests))
			for i, test := range tests {
				tasks[i] = w.upload(t, p, test.state, start).TaskID
				w.exec(t, `UPDATE river_job SET state = $1, attempt = $2 WHERE id = $3`, test.state, test.attempt, tasks[i])
			}

			recovered, err := w.RecoverInterrupted(t.Context())
			check(t, err)

			if recovered != 3 {
				t.Errorf("got %d recovered, want 3", recovered)
			}
			for i, test := range tests {
				job := w.job(t, tasks[i])
				job.Attempt = int(w.number(t, `SELECT attempt FROM river_job WHERE id = $1`, tasks[i])) // River hides negatives
				if job.State != test.wantState || job.Attempt != test.wantAttempt {
					t.Errorf("%s, attempt %d: got %s, %d, want %s, %d", test.state, test.attempt,
						job.State, job.Attempt, test.wantState, test.wantAttempt)
				}
			}
			if again, err := w.RecoverInterrupted(t.Context()); again != 0 || err != nil {
				t.Errorf("a second time: %d, %v", again, err)
			}
		})
	}
}

// A clip that crashes the program each time gets twenty attempts back. Later attempts count.
func TestRecoverInterruptedGivesAttemptsBackTwentyTimes(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := e.world(t)
			task := w.upload(t, w.player(t, "ana", ""), "Clavada", start).TaskID
			got := []int{}
			for range 23 {
				w.exec(t, `UPDATE river_job SET state = 'running', attempt = attempt + 1`) // as River does when it starts a job
				_, err := w.RecoverInterrupted(t.Context())
				check(t, err)
				got = append(got, w.job(t, task).Attempt)
			}
			want := append(make([]int, 20), 1, 2, 3)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("attempts used after each time (-want +got):\n%s", diff)
			}
		})
	}
}
