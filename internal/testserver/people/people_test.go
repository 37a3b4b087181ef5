package people_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"risingstars/internal/testserver/people"
)

// A person without a token sends no Authorization header, not an empty one.
func TestTokenIsSentWhereThereIsOne(t *testing.T) {
	t.Parallel()
	var got [][]string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header["Authorization"])
	}))
	defer server.Close()
	for _, token := range []string{"", "ab.c"} {
		if err := (people.Person{URL: server.URL, Token: token, Client: server.Client()}).Get("/", nil); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([][]string{nil, {"Bearer ab.c"}}, got); diff != "" {
		t.Errorf("Authorization (-want +got):\n%s", diff)
	}
}
