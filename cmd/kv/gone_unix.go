//go:build unix

package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// outputGone is closed once nobody reads w any more, as far as the system says:
// of pipes, sockets and terminals. Otherwise that is noticed by writing.
func outputGone(ctx context.Context, w io.Writer) <-chan struct{} {
	gone := make(chan struct{})
	f, ok := w.(*os.File)
	if !ok {
		return gone
	}
	const lookMillis = 200
	go func() {
		fds := []unix.PollFd{{Fd: int32(f.Fd())}}
		for ctx.Err() == nil {
			n, err := unix.Poll(fds, lookMillis)
			if err != nil && err != unix.EINTR {
				return
			}
			if n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
				close(gone)
				return
			}
		}
	}()
	return gone
}
