package media

import "testing"

func TestParseTurn(t *testing.T) {
	t.Parallel()
	const last = "\n00000002:            0           0  1073741824\n"
	tests := []struct {
		name   string
		matrix string
		want   Turn
	}{
		{"upright", "\n00000000:        65536           0           0\n00000001:            0       65536           0" + last, Turn{}},
		{"phone", "\n00000000:            0       65536           0\n00000001:       -65536           0           0" + last, Turn{Degrees: 90}},
		{"upside down", "\n00000000:       -65536           0           0\n00000001:            0      -65536           0" + last, Turn{Degrees: 180}},
		{"other way", "\n00000000:            0      -65536           0\n00000001:        65536           0           0" + last, Turn{Degrees: 270}},
		{"selfie", "\n00000000:       -65536           0           0\n00000001:            0       65536           0" + last, Turn{Mirrored: true}},
		{"nearly upright", "\n00000000:        65000        5000           0\n00000001:        -5000       65000           0" + last, Turn{}},
		{"empty", "", Turn{}},
		{"nonsense", "00000000: a b c\n00000001: 1 2\n", Turn{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := parseTurn(test.matrix); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
