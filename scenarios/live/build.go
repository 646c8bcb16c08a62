package live

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build compiles kvd into dir and returns the program's path. It needs the go
// command and to be run inside the project's source tree.
func Build(ctx context.Context, dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, "kvd"))
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "kvd/cmd/kvd")
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("build kvd: %w; install Go, or name a kvd program", err)
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", fmt.Errorf("build kvd: %w: %s; build inside the source tree, or name a kvd program", err, strings.TrimSpace(string(out)))
	}
	return path, nil
}
