package store

import (
	"cmp"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// moments generates times from year 1 to 9999 in any zone, with nanoseconds.
func moments() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		first, last := time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC).Unix(), time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC).Unix()
		at := time.Unix(rapid.Int64Range(first, last).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanosecond"))
		return at.In(time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "zone")))
	})
}

func written(t interface{ Fatalf(string, ...any) }, at time.Time) string {
	value, err := timestamp(at).Value()
	text, ok := value.(string)
	if err != nil || !ok {
		t.Fatalf("%s is written as %v, %v", at, value, err)
	}
	return text
}

func TestTimestampsRoundTripInMicroseconds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := moments().Draw(t, "at")
		var got timestamp
		if err := got.Scan(written(t, at)); err != nil {
			t.Fatal(err)
		}
		want := at.UTC().Truncate(time.Microsecond)
		if time.Time(got) != want { //revive:disable-line:time-equal // the zone counts too
			t.Fatalf("got %s, want %s", time.Time(got), want)
		}
	})
}

func TestTextOrderIsTimeOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := moments().Draw(t, "a")
		b := a.Add(time.Duration(rapid.Int64Range(-3e9, 3e9).Draw(t, "nanoseconds")))
		if rapid.Bool().Draw(t, "far") {
			b = moments().Draw(t, "b")
		}
		want := a.Truncate(time.Microsecond).Compare(b.Truncate(time.Microsecond))
		if got := cmp.Compare(written(t, a), written(t, b)); got != want {
			t.Fatalf("%s and %s: got %d, want %d", written(t, a), written(t, b), got, want)
		}
	})
}

func TestTimestampScan(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 15, 10, 30, 0, 123456000, time.UTC)
	tests := map[string]struct {
		value any
		want  time.Time
		bad   bool
	}{
		"null":              {value: nil},
		"own layout":        {value: "2026-01-15T10:30:00.123456Z", want: at},
		"the queue's":       {value: "2026-01-15 10:30:00.123456", want: at},
		"the queue's short": {value: "2026-01-15 10:30:00", want: at.Truncate(time.Second)},
		"another zone":      {value: "2026-01-15T05:30:00.123456-05:00", want: at},
		"a driver's time":   {value: at.In(time.FixedZone("", 3600)), want: at},
		"nonsense":          {value: "yesterday", bad: true},
		"empty":             {value: "", bad: true},
		"a number":          {value: int64(1768473000), bad: true},
		"a day":             {value: "2026-01-15", bad: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := timestamp(time.Unix(1, 0)) // Scan must overwrite this
			err := got.Scan(test.value)
			if test.bad {
				if err == nil {
					t.Errorf("got %s", time.Time(got))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if time.Time(got) != test.want { //revive:disable-line:time-equal // the zone counts too
				t.Errorf("got %s, want %s", time.Time(got), test.want)
			}
		})
	}
}

func TestTheZeroTimeIsNull(t *testing.T) {
	t.Parallel()
	value, err := timestamp{}.Value()
	if value != nil || err != nil {
		t.Errorf("got %v, %v", value, err)
	}
}
