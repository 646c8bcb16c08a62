//go:build unix

package lock

import (
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/term"
)

// apart puts a command into a process group of its own, so that a signal meets all that it started.
// Not at a terminal: only the group in front may read there, and that one is told of Ctrl-C and
// Ctrl-Z.
func apart(cmd *exec.Cmd, stdin io.Reader) (group bool) {
	f, ok := stdin.(*os.File)
	group = !ok || !term.IsTerminal(int(f.Fd()))
	cmd.SysProcAttr = attributes()
	cmd.SysProcAttr.Setpgid = group
	return group
}

// signal tells the command, and with group all that it started, to end, or ends it. One that has
// ended does not mind.
func signal(cmd *exec.Cmd, group, kill bool) {
	what, to := syscall.SIGTERM, cmd.Process.Pid
	if kill {
		what = syscall.SIGKILL
	}
	if group {
		to = -to
	}
	_ = syscall.Kill(to, what)
}

// remains reports whether a command that has ended left anything in its group. Orphans are children of
// this process where it is the first of a container: they are reaped here.
func remains(cmd *exec.Cmd, group bool) bool {
	if !group {
		return false
	}
	for pid := 1; pid > 0; {
		pid, _ = syscall.Wait4(-cmd.Process.Pid, nil, syscall.WNOHANG, nil) // no child is no mistake
	}
	return syscall.Kill(-cmd.Process.Pid, 0) == nil
}

// code is the exit code of a command as shells say it.
func code(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}
