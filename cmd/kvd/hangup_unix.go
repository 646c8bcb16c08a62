//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// hangups tells the two meanings of SIGHUP apart. A process that had a terminal and has
// none any more when the signal comes was hung up on: the context ends, and what else
// comes is passed over, since shells and the kernel may both send one. Every other is a
// wish that files be read again. Without reloads there is nothing to read, and each
// one ends the context. A process that was begun with SIGHUP ignored, as nohup does,
// is not ended by it: files are read again, or nothing happens where there are none.
//
// Who reads what the process says may go before it does, as tee does at the end of
// its terminal: a line that nobody takes ends nothing.
//
// What is returned last ends the watch; nothing is left of it then.
func hangups(ctx context.Context, reloads bool) (context.Context, <-chan struct{}, func()) {
	signal.Ignore(syscall.SIGPIPE)
	ctx, hangUp := context.WithCancelCause(ctx)
	sheltered := signal.Ignored(syscall.SIGHUP)
	if sheltered && !reloads {
		return ctx, nil, func() { hangUp(nil) }
	}
	heard, stop, over := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(heard, syscall.SIGHUP)
	reload := make(chan struct{}, 1)
	w := terminalWatch{had: !sheltered && hasTerminal()}
	go func() {
		defer close(over)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				w.poll()
			case <-heard:
				if !reloads || w.had && !hasTerminal() {
					hangUp(errHungUp)
					continue
				}
				select {
				case reload <- struct{}{}:
				default: // one is under way, and another waits
				}
			}
		}
	}()
	return ctx, reload, func() {
		hangUp(nil)
		close(stop)
		<-over
	}
}

// errHungUp is why a context ends whose terminal did.
var errHungUp = errors.New("the terminal has ended")

// terminalWatch knows whether a hangup can still come from a terminal: one that went
// away without a signal, because the process was disowned, will send none.
type terminalWatch struct {
	had  bool
	gone int // polls, one after the other, that found none
}

func (w *terminalWatch) poll() {
	if !w.had {
		return
	}
	if w.gone++; hasTerminal() {
		w.gone = 0
	}
	w.had = w.gone < 2 // the signal may be on its way at the first
}

// hasTerminal reports whether the process has a terminal that controls it.
func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	_ = f.Close() // nothing was written
	return true
}
