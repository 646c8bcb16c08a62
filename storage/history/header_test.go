package history

import (
	"slices"
	"testing"
)

// TestHeadersHaveOneEncoding: what says the same in other bytes was not written
// by us.
func TestHeadersHaveOneEncoding(t *testing.T) {
	h := Header{Cluster: "c", At: 5}
	good := h.encode()
	if _, err := decodeHeader(good); err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string][]byte{
		"a long list header": append([]byte{0xdc, 0, 9}, good[1:]...),
		"bytes at the end":   append(slices.Clone(good), 0),
		"a field too few":    append([]byte{0x98}, good[1:len(good)-1]...),
		"nothing":            {},
		"a word of nil":      append([]byte{0x99, 0xc0}, good[4:]...),
	} {
		if _, err := decodeHeader(bad); err == nil {
			t.Errorf("%s: it is read", what)
		}
	}
}
