package playground

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Binary is the engine for a browser.
type Binary struct {
	Wasm []byte // the program
	Exec []byte // wasm_exec.js of the Go that it was compiled with, which starts it
}

// ErrNoCheckout is that the sources of this project are not where Compile was called.
var ErrNoCheckout = errors.New("this folder is in no checkout of the project")

// The sources of the engine and what it is compiled with.
const (
	module  = "kvd"
	program = "./scenarios/playground/engine/wasm"
	pebble  = "github.com/cockroachdb/pebble/v2"
)

// added is what pebble lacks where GOOS is js, by its folder in pebble.
var added = map[string]string{"rawalloc_wasm.go": "internal/rawalloc", "vfs_wasm.go": "vfs"}

// replaced is a file of pebble that does not compile there.
const replaced = "vfs/file_lock_generic.go"

//go:embed assets
var assets embed.FS

// Compile compiles the engine with the go command, from the checkout that dir is in. The
// first time takes a minute or two, and later ones what linking takes. It fails with
// ErrNoCheckout outside the project, and with exec.ErrNotFound without Go.
func Compile(ctx context.Context, dir string) (*Binary, error) {
	root, goroot, err := checkout(ctx, dir)
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "kvd-playground-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	if err := prepare(ctx, root, work); err != nil {
		return nil, fmt.Errorf("prepare pebble for a browser: %w", err)
	}
	out := filepath.Join(work, "engine.wasm")
	build := command(ctx, root, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-modfile="+filepath.Join(work, "go.mod"), "-o", out, program)
	build.Env = append(build.Env, "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if _, err := output(build); err != nil {
		return nil, fmt.Errorf("compile the engine: %w", err)
	}
	b := &Binary{}
	if b.Wasm, err = os.ReadFile(out); err != nil {
		return nil, err
	}
	b.Exec, err = os.ReadFile(filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"))
	return b, err
}

// command is a go command in a folder. Flags of the environment are for other builds.
func command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	return c
}

// output is what a command printed; what it complained about is in the error.
func output(c *exec.Cmd) ([]byte, error) {
	out, err := c.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) && len(failed.Stderr) > 0 {
		return nil, fmt.Errorf("%s: %w", strings.TrimSpace(string(failed.Stderr)), err)
	}
	return out, err
}

// checkout is the top of the project that a folder is in, and where Go is.
func checkout(ctx context.Context, dir string) (root, goroot string, err error) {
	out, err := output(command(ctx, dir, "env", "-json", "GOMOD", "GOROOT"))
	if err != nil {
		return "", "", err
	}
	var env struct{ GOMOD, GOROOT string }
	if err := json.Unmarshal(out, &env); err != nil {
		return "", "", fmt.Errorf("go env says %q: %w", out, err)
	}
	mod, err := os.ReadFile(env.GOMOD) // empty or the null device: there is no module
	if name, _, _ := strings.Cut(strings.TrimPrefix(string(mod), "module "), "\n"); err != nil || strings.TrimSpace(name) != module {
		return "", "", ErrNoCheckout
	}
	return filepath.Dir(env.GOMOD), env.GOROOT, nil
}

// prepare makes, in the folder work, pebble as it compiles for a browser, and a go.mod
// that names it.
func prepare(ctx context.Context, root, work string) error {
	out, err := output(command(ctx, root, "mod", "download", "-json", pebble))
	if err != nil {
		return err
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil || found.Dir == "" {
		return fmt.Errorf("go mod download says %q: %w", out, err)
	}
	to := filepath.Join(work, "pebble")
	if err := copySources(found.Dir, to); err != nil {
		return err
	}
	for name, dir := range added {
		text, err := assets.ReadFile("assets/pebble/" + name + ".txt")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, dir, name), text, 0o644); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(to, filepath.FromSlash(replaced))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err == nil {
		err = os.WriteFile(filepath.Join(work, "go.mod"), fmt.Appendf(mod, "\nreplace %s => %q\n", pebble, to), 0o644)
	}
	if err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(work, "go.sum"), sums, 0o644)
}

// copySources copies what of a module is compiled: its go.mod, and Go and assembly that is
// no test.
func copySources(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		part, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			if e.Name() == "testdata" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, part), 0o755)
		}
		switch ext := filepath.Ext(path); {
		case strings.HasSuffix(path, "_test.go"), ext != ".go" && ext != ".s" && ext != ".h" && ext != ".c" && e.Name() != "go.mod":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, part), text, 0o644)
	})
}
