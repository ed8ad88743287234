package wire

import (
	"encoding/base64"
	"testing"
)

// TestBase64Groups compares with encoding/base64 what every character means in
// every place of a group.
func TestBase64Groups(t *testing.T) {
	var dst [8]byte
	for at := range 4 {
		for c := range 256 {
			group := []byte("owls")
			group[at] = byte(c)
			want, err := base64.StdEncoding.DecodeString(string(group))
			whole := err == nil && len(want) == 3 && c != '\r' && c != '\n'
			n := base64Groups(dst[:], group)
			if (n == 1) != whole || whole && string(dst[:3]) != string(want) {
				t.Errorf("%q: %d groups, % x; want %v, % x", group, n, dst[:3], whole, want)
			}
		}
	}
}

// TestBase64GroupsFit: nothing is written beyond the destination, and nothing
// is read of a group that is not there.
func TestBase64GroupsFit(t *testing.T) {
	for _, tt := range []struct {
		src  string
		room int
		want int
	}{{"", 9, 0}, {"b3d", 9, 0}, {"b3ds", 9, 1}, {"b3dsb", 9, 1}, {"b3dsb3ds", 9, 2}, {"b3dsb3ds", 5, 1}, {"b3dsb3ds", 2, 0}, {"b3dsb3c=", 9, 1}, {"b3c=b3ds", 9, 0}} {
		if n := base64Groups(make([]byte, tt.room), []byte(tt.src)); n != tt.want {
			t.Errorf("%q into %d bytes: %d groups, want %d", tt.src, tt.room, n, tt.want)
		}
	}
}
