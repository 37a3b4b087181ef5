package api

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// moment is a time in the API's format: RFC 3339, UTC, whole seconds.
type moment time.Time

// MarshalJSON implements json.Marshaler.
func (m moment) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(m).UTC().Format(time.RFC3339))
}

// Schema implements huma.SchemaProvider.
func (moment) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Examples: []any{"2026-01-15T10:30:00Z"}}
}

// momentOrNull is a moment that is null for the zero time.
type momentOrNull time.Time

// MarshalJSON implements json.Marshaler.
func (m momentOrNull) MarshalJSON() ([]byte, error) {
	if time.Time(m).IsZero() {
		return []byte("null"), nil
	}
	return moment(m).MarshalJSON()
}

// Schema implements huma.SchemaProvider.
func (momentOrNull) Schema(r huma.Registry) *huma.Schema {
	s := moment{}.Schema(r)
	s.Nullable = true
	return s
}

// videoID is an id in a path. A value that is not a positive number becomes 0, which no video has, so the answer is
// 404. It is a struct because huma parses numbers itself and would answer 422.
type videoID struct{ n int64 }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *videoID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 0 || text[0] == '+' {
		n = 0
	}
	id.n = n
	return nil
}

// Schema implements huma.SchemaProvider.
func (videoID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Examples: []any{1}}
}

type VideoID struct {
	ID videoID `path:"id" doc:"The video's id."`
}

// cachedList is a JSON array of T that is already encoded.
type cachedList[T any] []byte

func (c cachedList[T]) encoded() []byte { return c }

// Schema implements huma.SchemaProvider.
func (cachedList[T]) Schema(r huma.Registry) *huma.Schema {
	row := r.Schema(reflect.TypeFor[T](), true, reflect.TypeFor[T]().Name())
	return &huma.Schema{Type: huma.TypeArray, Items: row}
}
