package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kvd/storage/disk"
	"kvd/storage/file"
)

// The names in a directory that has a backup.
const (
	manifestFile   = "backup.json"
	unfinishedFile = "backup.unfinished"
	filesDir       = "files"
)

// format is the version of this layout.
const format = 1

// About is what a backup is of.
type About struct {
	Cluster string    `json:"cluster"`
	Leader  string    `json:"leader"`
	Origin  string    `json:"origin"` // of the incarnation that was asked
	Policy  string    `json:"policy"`
	Version string    `json:"version"` // of the program
	Taken   time.Time `json:"taken"`   // by the leader's clock
	End     string    `json:"end"`     // of the log, as segment and offset
	Ops     []Last    `json:"frontier"`
	// Beside is JSON files of the leader that belong to the store wherever it goes, by name: a
	// restore puts them beside it.
	Beside map[string]json.RawMessage `json:"beside,omitempty"`
}

// Last is how far an origin's ops reach.
type Last struct {
	Origin string `json:"origin"`
	Seq    uint64 `json:"seq"`
}

// Writes is how many ops the log has.
func (a *About) Writes() (n uint64) {
	for _, l := range a.Ops {
		n += l.Seq
	}
	return n
}

// File is a file of a store as it is kept.
type File struct {
	Name  string `json:"name"`  // below the store's directory, with slashes
	Bytes int64  `json:"bytes"` // of the file itself
	Sum   string `json:"sha256"`
	Kept  int64  `json:"kept_bytes"` // what it takes in the backup
}

// Manifest says what a backup has.
type Manifest struct {
	Format int `json:"format"`
	About
	Files []File `json:"files"`
}

// Bytes is what all files have.
func (m *Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Bytes
	}
	return n
}

// sealed is a manifest as it is written.
type sealed struct {
	Sum    string          `json:"sha256"` // of the backup, without white space
	Backup json.RawMessage `json:"backup"`
}

// ErrNone says that a directory has no backup that was ended.
var ErrNone = errors.New("there is no backup")

// Unfinished reports whether a backup into dir was begun and has not ended.
func Unfinished(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, unfinishedFile))
	return err == nil
}

// Read reads the manifest of the backup in dir. What is not as it was written is
// [disk.ErrDamaged].
func Read(dir string) (*Manifest, error) {
	path := filepath.Join(dir, manifestFile)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && Unfinished(dir):
		return nil, fmt.Errorf("%w in %s yet: it was begun and not ended", ErrNone, dir)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w in %s: it has no %s", ErrNone, dir, manifestFile)
	case err != nil:
		return nil, err
	}
	m, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func parse(text []byte) (*Manifest, error) {
	var s sealed
	var plain bytes.Buffer
	m := &Manifest{}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", disk.ErrDamaged, err)
	}
	if err := json.Compact(&plain, s.Backup); err != nil || sumOf(plain.Bytes()) != s.Sum {
		return nil, fmt.Errorf("%w: it does not have the checksum that it says", disk.ErrDamaged)
	}
	if err := json.Unmarshal(s.Backup, m); err != nil {
		return nil, fmt.Errorf("%w: %w", disk.ErrDamaged, err)
	}
	if m.Format != format {
		return nil, fmt.Errorf("the backup has format %d, and this program knows %d: use the version that wrote it", m.Format, format)
	}
	for _, f := range m.Files {
		if !f.valid() {
			return nil, fmt.Errorf("%w: it names a file %.64q", disk.ErrDamaged, f.Name)
		}
	}
	return m, m.validBeside()
}

func (m *Manifest) write(dir string) error {
	plain, err := json.Marshal(m)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(sealed{sumOf(plain), plain}, "", "  ")
	if err != nil {
		return err
	}
	return file.Replace(filepath.Join(dir, manifestFile), append(text, '\n'), 0o600)
}

func sumOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// valid reports whether the file can be kept and restored: it stays below the directory
// it is put into.
func (f *File) valid() bool {
	name := strings.TrimPrefix(f.Name, disk.LogDir+"/")
	return file.PlainName(name) && !strings.Contains(name, "/") && f.Bytes >= 0 && (f.Sum == "" || len(f.Sum) == sha256.Size*2 && strings.Trim(f.Sum, "0123456789abcdef") == "")
}

// validBeside says which file cannot lie beside a store.
func (a *About) validBeside() error {
	for name := range a.Beside {
		if !file.PlainName(name) || filepath.Ext(name) != ".json" {
			return fmt.Errorf("%w: it names a file %.64q beside the store", disk.ErrDamaged, name)
		}
	}
	return nil
}

// shownSum is how much of a checksum is in a file's name.
const shownSum = 16

// keptAs is the path of the file in a backup.
func (f *File) keptAs(dir string) string {
	return filepath.Join(dir, filesDir, fmt.Sprintf("%s-%s.zst", filepath.Base(f.Name), f.Sum[:shownSum]))
}
