package policies

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"kvd/replica/node/internal/sidefile"
	"kvd/resolve"
	"kvd/resolve/rules"
)

// maxDigest is how many of gossip's bytes a policy may take.
const maxDigest = 96

// Digest travels with every member. A policy that is short enough stands for
// itself, so that a refusal can name the difference.
func Digest(policy string) string {
	if len(policy) <= maxDigest {
		return policy
	}
	return strconv.FormatUint(xxhash.Sum64String(policy), 16)
}

// Version is a policy that was set while leaders ran. The zero Version says that none was.
type Version struct {
	Number uint64    `json:"number"`
	Text   string    `json:"policy"` // resolve.Policy.String()
	By     string    `json:"by"`     // the leader that was asked
	At     time.Time `json:"at"`     // by its clock
}

// After reports whether v counts and not w. What settings alone say is after nothing.
func (v Version) After(w Version) bool {
	return v.Number > 0 && cmp.Or(cmp.Compare(v.Number, w.Number), strings.Compare(v.Text, w.Text)) > 0
}

// Of is the policy, watched as another one is.
func (v Version) Of(watched resolve.Policy) (resolve.Policy, error) {
	p, err := rules.Parse(v.Text)
	p.Shadows, p.Mistaken = watched.Shadows, watched.Mistaken
	return p, err
}

func (v Version) String() string { return fmt.Sprintf("number %d, %s", v.Number, v.Text) }

// File is beside the store, and has the policy that counts and the one before it.
const File = "policy.json"

type kept struct {
	Now    Version `json:"now"`
	Before Version `json:"before"` // to go back to, where the start cannot go over to Now
}

// Remembered is what was set while the leader of the directory ran; zero: nothing was. A file
// that cannot be read stops a start: without it the objects would go back to what settings say.
func Remembered(dir string) (Version, error) {
	k, err := read(dir)
	return k.Now, err
}

func read(dir string) (k kept, err error) {
	if dir == "" {
		return k, nil
	}
	_, err = sidefile.Read(dir, File, &k)
	if err == nil && k.Now.Number > 0 {
		_, err = rules.Parse(k.Now.Text)
	}
	if err != nil {
		return kept{}, fmt.Errorf("the policy that was set while this leader ran cannot be read: %w. Start it again with --resolver, --policy and --acks as "+
			"kv admin policy show prints at another leader", err)
	}
	return k, nil
}

// Beside is the file as this leader has it, or would, by its name: whoever makes a directory of a copy
// of its store serves under the same policy. It is empty where none was set.
func (s *Service) Beside() (map[string]json.RawMessage, error) {
	k := kept{Now: s.Adopted(), Before: s.cfg.before()}
	if k.Now.Number == 0 {
		return nil, nil
	}
	text, err := json.Marshal(k)
	return map[string]json.RawMessage{File: text}, err
}

func write(dir string, k kept) error {
	return sidefile.WriteLines(dir, File, "the policy that was set", k)
}

// forget goes back to the policy before, and says which that is, where the objects of the
// directory cannot be brought under the one that was set.
func forget(dir, settings string) (back Version, err error) {
	k, err := read(dir)
	switch {
	case err != nil:
		return back, err
	case k.Now.Number == 0:
		return back, fmt.Errorf("nothing was set in %s", filepath.Join(dir, File))
	}
	if back = k.Before; back.Text == "" {
		back.Text = settings
	}
	return back, write(dir, kept{Now: back})
}
