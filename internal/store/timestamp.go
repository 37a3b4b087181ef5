package store

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// timestamp converts times between Go and the database: UTC, whole microseconds, the zero time as NULL. It is written
// as text of a fixed width, which sorts by time in SQLite.
type timestamp time.Time

const timestampLayout = "2006-01-02T15:04:05.000000Z"

// Value implements [driver.Valuer].
func (t timestamp) Value() (driver.Value, error) {
	at := time.Time(t)
	if at.IsZero() {
		return nil, nil
	}
	return at.UTC().Format(timestampLayout), nil
}

// Scan implements sql.Scanner. It also reads the formats of the job queue's tables.
func (t *timestamp) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*t = timestamp{}
		return nil
	case time.Time:
		*t = timestamp(v.UTC())
		return nil
	case string:
		for _, layout := range []string{timestampLayout, time.RFC3339Nano, "2006-01-02 15:04:05.999999999"} {
			if at, err := time.Parse(layout, v); err == nil {
				*t = timestamp(at.UTC())
				return nil
			}
		}
	}
	return fmt.Errorf("no time: %T", value)
}
