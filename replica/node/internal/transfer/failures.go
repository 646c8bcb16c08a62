package transfer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"kvd/replica/node/internal/sidefile"
)

// failures is what is remembered of transfers that failed, over a restart: the next one is
// not begun at once.
type failures struct {
	Count int       `json:"count"`
	Last  time.Time `json:"last"`
	Why   string    `json:"why"`
}

const failuresFile = "transfer.json"

// The rest after a failure doubles with each, from one to the other.
const (
	minRest = 2 * time.Second
	maxRest = 10 * time.Minute
)

// next is when the next transfer may begin.
func (f *failures) next() time.Time {
	if f.Count == 0 {
		return time.Time{}
	}
	return f.Last.Add(min(maxRest, minRest<<min(f.Count-1, 16)))
}

func (f *failures) note(dir string, why error) error {
	f.Count, f.Last, f.Why = f.Count+1, time.Now(), why.Error()
	return sidefile.Write(dir, failuresFile, "that fetching a state failed", f)
}

// readFailures is empty where the file is damaged.
func readFailures(dir string) (f failures) {
	if _, err := sidefile.Read(dir, failuresFile, &f); err != nil {
		return failures{}
	}
	return f
}

func noteFailure(dir string, why error) error {
	f := readFailures(dir)
	return f.note(dir, why)
}

func forgetFailures(dir string) error {
	err := os.Remove(filepath.Join(dir, failuresFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
