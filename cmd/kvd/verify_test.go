package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kvd/cmd/internal/cliutil"
)

// ran runs kvd to its end.
func ran(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	p := launch(t, args...)
	code = p.end()
	return code, p.text()
}

// flipped changes a byte in the middle of a file.
func flipped(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		text[len(text)/2] ^= 1
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestVerifyOfADataDirectory(t *testing.T) {
	t.Parallel()
	dir := leftBehind(t)
	code, said := ran(t, "verify", dir)
	if code != 0 || !strings.Contains(said, "is whole") || !strings.Contains(said, "20 keys, 20 writes of 1 origins") {
		t.Errorf("verify ends with %d: %s", code, said)
	}
	n := serves(t, "n1", dir, "127.0.0.1:0")
	n.try("SET", "one", "more")
	if code, said := ran(t, "verify", dir); code != 1 || !strings.Contains(said, "another process has it open") {
		t.Errorf("beside its leader verify ends with %d: %s", code, said)
	}
	n.signal(syscall.SIGKILL)
	n.end()
	if code, said := ran(t, "verify", dir); code != 0 || !strings.Contains(said, "21 keys, 21 writes of") {
		t.Errorf("after a crash verify ends with %d: %s", code, said)
	}
	flipped(t, filepath.Join(dir, "store", "log", "00000001.log"))
	code, said = ran(t, "verify", dir, "-o", "json")
	var found struct {
		Whole   bool
		Damages []string
	}
	if err := json.Unmarshal([]byte(said[:strings.Index(said, "\n")]), &found); err != nil || found.Whole || len(found.Damages) == 0 {
		t.Errorf("%v in %s", err, said)
	}
	if code != cliutil.Differs || !strings.Contains(said, "00000001.log") {
		t.Errorf("of a damaged log verify ends with %d: %s", code, said)
	}
}
