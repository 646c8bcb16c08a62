package pubsub

import (
	"strings"

	"kvd/replica/resp/glob"
)

// Feeds is what a leader says of its own accord, on channels of its own. All methods may be
// called from any goroutine.
type Feeds interface {
	// Channels is the names there are, ascending. They never change, and nobody
	// changes the slice.
	Channels() []string
	// Listen collects what is said on a channel from now on, within bounds of its
	// own, of keys that reads answers true for; it is asked from any goroutine, and may
	// answer otherwise later. Wake is called, on any goroutine, when something has come after
	// Next had nothing; it does not wait.
	Listen(channel string, reads func(key string) bool, wake func()) Feed
}

// Feed is one reader's position in a channel. It belongs to one goroutine.
type Feed interface {
	// Next is the oldest message that was not taken; false: there is none now. It
	// never waits. Nobody changes the bytes.
	Next() (message []byte, ok bool)
	// Close ends collecting. Wake may still be called by what was under way.
	Close()
}

// Prefix is what the leader's own channels begin with, and no others.
const Prefix = "kvd:"

// Own reports whether a name is of the leader's own channels, or a pattern for them.
func Own(name string) bool { return strings.HasPrefix(name, Prefix) }

// Matches reports whether a pattern matches a channel. The leader's own match only one that
// begins as they do: who listens to all that others publish does not mean those.
func Matches(pattern, channel string) bool {
	return Own(pattern) == Own(channel) && glob.Match(pattern, channel)
}
