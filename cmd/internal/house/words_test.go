package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// private are words that only this project ever used, each with the field's word for
// it. They stay out of names, comments, messages and pages.
var private = map[string]string{
	"shelf": "committed state", "sieve": "Bloom filter", "desk": "pending requests",
	"twins": "duplicates", "camp": "group", "camps": "group", "mortal": "expiring", "mortals": "expiring",
	"booked": "inserted", "withdrawn": "retracted", "shed": "evicted", "shedding": "evicting", "ripe": "due",
	"defeat": "loss record", "defeats": "loss records",
	"testimony": "attestation", "vouch": "attest", "vouches": "attests", "vouched": "attested",
	"stranded": "unreplicated", "stranger": "unknown origin, or not a member", "strangers": "unknown origins",
	"acquaintance": "known member", "acquaintances": "known members",
	"bell": "wake", "hush": "unsubscribe", "mourn": "log", "gripe": "log", "gripes": "log",
	"patience": "timeout", "glance": "poll", "stillborn": "beaten on acceptance", "births": "acceptances",
	"foreign": "remote",
}

// phrases are private words that only together mean anything.
var phrases = map[string]string{"beside the loop": "on the lock-free read path"}

// part is one word of a name: camel case and snake case are taken apart.
var part = regexp.MustCompile(`[A-Z]+(?:[a-z]+|\b)|[a-z]+`)

// privateWords is those in a text, each once.
func privateWords(text string) map[string]string {
	found := map[string]string{}
	for _, w := range part.FindAllString(text, -1) {
		w = strings.ToLower(w)
		if field, is := private[w]; is {
			found[w] = field
		}
	}
	for p, field := range phrases {
		if strings.Contains(text, p) {
			found[p] = field
		}
	}
	return found
}

// TestPrivateWordsStayOut reads everything that people read.
func TestPrivateWordsStayOut(t *testing.T) {
	root, read := top(t), 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch rel, _ := filepath.Rel(root, path); {
		case err != nil:
			return err
		case e.IsDir() && (strings.HasPrefix(e.Name(), ".") && path != root || rel == "runs" || rel == filepath.Join("cmd", "internal", "house")):
			return fs.SkipDir
		case !e.Type().IsRegular() || e.Name() == "go.sum":
			return nil
		}
		text, err := os.ReadFile(path)
		read++
		for n, line := range strings.Split(string(text), "\n") {
			for word, field := range privateWords(line) {
				t.Errorf("%s:%d says %q; the field's word is %s", path, n+1, word, field)
			}
		}
		return err
	})
	if err != nil || read < 300 {
		t.Fatalf("read %d files, %v", read, err)
	}
}

func TestPrivateWordsAreFound(t *testing.T) {
	for text, want := range map[string]string{
		"func newShelf(": "shelf", "kvd_rows_shed_total": "shed", "// It is read beside the loop.": "beside the loop", "GRIPES": "gripes", "theTwins": "twins",
		"published, finished, crashed": "", "foreigners": "", "a desktop": "", "labelled": "", "HTTPShedder": "",
	} {
		got := privateWords(text)
		if _, found := got[want]; found != (want != "") || len(got) > 1 || want == "" && len(got) != 0 {
			t.Errorf("in %q: %v, want %q", text, got, want)
		}
	}
}

// maxPackage is how many lines of source one package may have.
const maxPackage = 3000

// TestPackagesAreSmall keeps a room to what one reader holds in mind.
func TestPackagesAreSmall(t *testing.T) {
	lines := map[string]int{}
	for _, s := range tree(t, top(t)) {
		if !s.test {
			lines[s.room] += s.lines
		}
	}
	for room, n := range lines {
		if n > maxPackage {
			t.Errorf("%s has %d lines of source\n\trule: at most %d a package\n\twhy:  a room that does several jobs hides them", room, n, maxPackage)
		}
	}
}
