//go:build !unix

package lock

import (
	"io"
	"os"
	"os/exec"
)

func apart(*exec.Cmd, io.Reader) (group bool) { return false }

// signal ends the command: there is no telling it here.
func signal(cmd *exec.Cmd, _, kill bool) {
	if kill {
		_ = cmd.Process.Kill() // it may have ended
	}
}

func remains(*exec.Cmd, bool) bool { return false }

func code(s *os.ProcessState) int { return s.ExitCode() }
