package replicatest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DependsOnSources is for tests of programs that the go command links for them. It takes the
// result of a test from its cache as long as what the test opened is as it was: so this
// opens every folder of the module.
func DependsOnSources() error {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return fmt.Errorf("no folder above %s has a go.mod", dir)
		}
	}
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != dir && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
}
