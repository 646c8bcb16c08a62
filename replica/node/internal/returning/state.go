package returning

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"kvd/replica/node/internal/sidefile"
	"kvd/storage/file"
)

// State is how far a return has come, as it is kept beside the store. The zero State is that
// of a leader that was never forgotten, as far as it knows.
type State struct {
	// Begun is the moment of the latest forgetting after which the data began anew.
	Begun int64 `json:"begun"`
	// At is the moment of the forgetting that counts against the data; zero: none does.
	At int64  `json:"at,omitempty"`
	By string `json:"by,omitempty"` // the leader that was asked for it

	Exported bool     `json:"exported,omitempty"` // what nobody else has is in File, or there is nothing
	File     string   `json:"file,omitempty"`     // empty: there is nothing
	Writes   uint64   `json:"writes,omitempty"`
	Unasked  []string `json:"unasked,omitempty"` // leaders that may have some of them: they could not be reached

	Ordered bool   `json:"ordered,omitempty"` // the next start puts the store aside
	Aside   string `json:"aside,omitempty"`   // where the former store is, or is about to be
}

const stateFile = "return.json"

func (s *State) write(dir string) error {
	return sidefile.WriteLines(dir, stateFile, "how far the return of a forgotten leader has come", s)
}

// besideStore is what belongs to a store and lies beside it.
var besideStore = []string{"store.rebuilt", "extent.json"}

// Begin reads the state at a start, before the store is opened. If it was ordered, it puts
// the store aside. In a damaged state file nothing is believed: others say again that the
// leader is forgotten.
func Begin(dir string, logger *slog.Logger) (*State, error) {
	s := &State{}
	if _, err := sidefile.Read(dir, stateFile, s); err != nil {
		logger.Warn("whether the data is from after the leader was forgotten is asked anew", "why", err.Error())
		s = &State{}
	}
	if !s.Ordered {
		return s, nil
	}
	if err := s.putAside(dir); err != nil {
		return nil, fmt.Errorf("put the store of a leader that was forgotten aside: %w", err)
	}
	logger.Info("begins anew, as the leader was forgotten", "by", s.By, "at", moment(s.At), "kept", s.Aside, "exported", s.File, "writes", s.Writes)
	*s = State{Begun: s.At, File: s.File, Writes: s.Writes, Aside: s.Aside}
	return s, s.write(dir)
}

// putAside renames the store. Cut off anywhere, it ends the same when it is called again.
func (s *State) putAside(dir string) error {
	store := filepath.Join(dir, "store")
	if s.Aside == "" {
		s.Aside = free(store + ".forgotten-")
		if err := s.write(dir); err != nil {
			return err
		}
	}
	for _, name := range besideStore {
		if err := rename(filepath.Join(dir, name), s.Aside+"."+name); err != nil {
			return err
		}
	}
	if err := rename(store, s.Aside); err != nil {
		return err
	}
	return file.SyncDir(dir)
}

// rename moves what is there; it may have been moved already.
func rename(from, to string) error {
	if err := os.Rename(from, to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// free is the first name with a number behind it that nothing has.
func free(name string) string {
	for n := 1; ; n++ {
		full := fmt.Sprintf("%s%d", name, n)
		if _, err := os.Lstat(full); err != nil {
			return full
		}
	}
}

// moment is for people.
func moment(at int64) string { return time.Unix(0, at).UTC().Format(time.RFC3339) }
