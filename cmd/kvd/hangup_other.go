//go:build !unix

package main

import "context"

// hangups has nothing to tell: there is no SIGHUP here, and a console that is closed
// is told as an interrupt is.
func hangups(ctx context.Context, _ bool) (context.Context, <-chan struct{}, func()) {
	return ctx, nil, func() {}
}
