package spec

import (
	"bytes"

	"kvd/replica/resp"
	"kvd/replica/resp/pubsub"
)

// Flag says how a command behaves.
type Flag uint16

const (
	Write           Flag = 1 << iota // changes keys
	Read                             // reads keys
	Fast                             // constant time
	Admin                            // looks at, or changes, the server
	BeforeAuth                       // allowed before AUTH
	Exclusive                        // must see everything before it done, and answers at once
	Control                          // steers a transaction, so it is never queued in one
	NoMulti                          // not allowed in a transaction
	WhileSubscribed                  // allowed to RESP2 clients that listen to channels
	WhileLoading                     // reads or writes, and is allowed while the leader does not serve yet
	Blocking                         // waits for others: that it takes long is not noted
	AllKeys                          // concerns every key: only for users whose keys have no prefixes
)

// KeySpec says which arguments are keys: first, last (negative: from the end)
// and the step between; zero: none. Last is 0 where the argument before the first says
// how many keys there are.
type KeySpec struct{ First, Last, Step int }

// Counted reports whether an argument says how many keys there are.
func (s KeySpec) Counted() bool { return s.First > 0 && s.Last == 0 }

// Of yields the arguments that are keys.
func (s KeySpec) Of(args resp.Args) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		first, last := s.First, s.Last
		switch {
		case last < 0:
			last += len(args)
		case s.Counted():
			n, _ := resp.ParseInt(args[first-1]) // of what is no number of arguments the command tells
			last = first + int(max(0, min(n, int64(len(args)-first)))) - 1
		}
		for i := first; i > 0 && i <= min(last, len(args)-1); i += s.Step {
			if !yield(args[i]) {
				return
			}
		}
	}
}

// ChannelSpec says which arguments are channels of clients: the first ones, how many; -1:
// all. As patterns they stand for every channel that begins as they do.
type ChannelSpec struct {
	Count    int
	Patterns bool
}

// Of yields what the channels that a call names begin with.
func (s ChannelSpec) Of(args resp.Args) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		args := args[1:]
		if s.Count >= 0 {
			args = args[:s.Count]
		}
		for _, a := range args {
			if bytes.HasPrefix(a, []byte(pubsub.Prefix)) {
				continue // the leader's own, which tell of reachable keys alone
			}
			if i := bytes.IndexAny(a, `*?[\`); i >= 0 && s.Patterns {
				a = a[:i]
			}
			if !yield(a) {
				return
			}
		}
	}
}
