package glob

import (
	"testing"

	"pgregory.net/rapid"
)

func TestGlobAgreesWithItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringMatching(`([abc?*]|\[\^?[a-c]{1,2}\]|\[a-b\]|\\[ab*])*`).Draw(t, "pattern")
		s := rapid.StringMatching(`[abc*]{0,8}`).Draw(t, "s")
		if got, want := Match(p, s), twin(p, s); got != want {
			t.Fatalf("glob(%q, %q) = %t, want %t", p, s, got, want)
		}
	})
}

func twin(p, s string) bool {
	if p == "" {
		return s == ""
	}
	if p[0] == '*' {
		return twin(p[1:], s) || s != "" && twin(p, s[1:])
	}
	if s == "" {
		return false
	}
	n, ok := globByte(p, s[0])
	return ok && twin(p[n:], s[1:])
}

func TestGlobClasses(t *testing.T) {
	for _, c := range []struct {
		p, s string
		want bool
	}{
		{"h[ae]llo", "hallo", true}, {"h[ae]llo", "hillo", false}, {"h[^e]llo", "hallo", true}, {"h[^e]llo", "hello", false},
		{"[c-a]", "b", true}, {`\*`, "*", true}, {`\*`, "a", false}, {"[", "[", false}, {"[a", "a", true}, {`a\`, `a\`, true},
		{`[\]]`, "]", true}, {"", "", true}, {"", "a", false}, {"**", "", true}, {"a*b*c", "axxbxxbxc", true}, {"a*b*c", "axxbxx", false},
	} {
		if got := Match(c.p, c.s); got != c.want {
			t.Errorf("glob(%q, %q) = %t", c.p, c.s, got)
		}
	}
}
