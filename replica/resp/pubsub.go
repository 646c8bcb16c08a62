package resp

import (
	"slices"
	"strconv"
	"strings"
)

func pubsubCommands() []command {
	const flags = alone | single | listening
	return []command{
		{name: "subscribe", arity: -2, flags: flags, since: "2.0.0", run: runSubscribe, summary: "Listens to channels of this leader."},
		{name: "unsubscribe", arity: -1, flags: flags, since: "2.0.0", run: runUnsubscribe, summary: "Listens to channels no more, or to none."},
		{name: "psubscribe", arity: -2, flags: flags, since: "2.0.0", run: runPSubscribe, summary: "Listens to the channels that fit patterns."},
		{name: "punsubscribe", arity: -1, flags: flags, since: "2.0.0", run: runPUnsubscribe, summary: "Listens to patterns no more, or to none."},
		{name: "publish", arity: 3, flags: fast, since: "2.0.0", run: runPublish, summary: "Refused: only the leader speaks on its channels."},
		{name: "pubsub", arity: -2, flags: family | alone | single, since: "2.8.0", run: runPubsub, summary: "Answers who listens to what."},
	}
}

// thereAre names the channels.
func (s *Server) thereAre() string {
	if len(s.channels) == 0 {
		return "this leader has none"
	}
	return "there are " + strings.Join(s.channels, " and ")
}

func runSubscribe(k *call) error {
	names := k.texts(1)
	for _, n := range names {
		if !slices.Contains(k.srv.channels, n) {
			return refusal("ERR there is no channel '" + n[:min(len(n), 128)] + "'; " + k.srv.thereAre())
		}
	}
	for _, n := range names {
		k.subs.channels = with(k.subs.channels, n)
		k.confirm("subscribe", n)
	}
	k.tune()
	return nil
}

func runPSubscribe(k *call) error {
	patterns := k.texts(1)
	all := k.subs.patterns
	for _, p := range patterns {
		fits := func(channel string) bool { return glob(p, channel) }
		switch all = with(all, p); {
		case len(p) > maxPattern:
			return refusal("ERR the pattern is longer than " + strconv.Itoa(maxPattern) + " bytes")
		case !slices.ContainsFunc(k.srv.channels, fits):
			return refusal("ERR no channel fits '" + p[:min(len(p), 128)] + "'; " + k.srv.thereAre())
		case len(all) > k.srv.cfg.Limits.Patterns:
			return refusal("ERR a client may listen to " + strconv.Itoa(k.srv.cfg.Limits.Patterns) + " patterns; there are only so many channels")
		}
	}
	for _, p := range patterns {
		k.subs.patterns = with(k.subs.patterns, p)
		k.confirm("psubscribe", p)
	}
	k.tune()
	return nil
}

func runUnsubscribe(k *call) error {
	k.leave("unsubscribe", &k.subs.channels)
	return nil
}

func runPUnsubscribe(k *call) error {
	k.leave("punsubscribe", &k.subs.patterns)
	return nil
}

// leave takes the names that the client gave, or all, out of a list. Every name
// is confirmed, whether it was there or not; one that is left nameless too.
func (k *call) leave(kind string, list *[]string) {
	names := k.texts(1)
	if len(k.args) == 1 {
		names = slices.Clone(*list)
	}
	for _, n := range names {
		*list = without(*list, n)
		k.confirm(kind, n)
	}
	if len(names) == 0 {
		k.w.Push(3)
		k.w.Text(kind)
		k.w.Null()
		k.w.Int(int64(k.subs.count()))
	}
	k.tune()
}

// confirm answers one name of a subscription that was begun or ended.
func (k *call) confirm(kind, name string) {
	k.w.Push(3)
	k.w.Text(kind)
	k.w.Text(name)
	k.w.Int(int64(k.subs.count()))
}

func runPublish(k *call) error {
	return refusal("ERR PUBLISH is not supported: only the leader speaks on its channels; " + k.srv.thereAre())
}

func runPubsub(k *call) error {
	switch {
	case k.is(1, "CHANNELS") && len(k.args) <= 3:
		return k.activeChannels()
	case k.is(1, "NUMSUB"):
		k.w.Array(2 * (len(k.args) - 2))
		for _, n := range k.texts(2) {
			k.w.Text(n)
			k.w.Int(int64(k.srv.subscribers(n)))
		}
	case k.is(1, "NUMPAT") && len(k.args) == 2:
		k.w.Int(int64(len(k.srv.patterns())))
	default:
		return k.unknownSub()
	}
	return nil
}

// activeChannels answers the channels that somebody listens to by name.
func (k *call) activeChannels() error {
	pattern := "*"
	if len(k.args) == 3 {
		pattern = string(k.args[2])
	}
	if len(pattern) > maxPattern {
		return refusal("ERR the pattern is longer than " + strconv.Itoa(maxPattern) + " bytes")
	}
	var active []string
	for _, n := range k.srv.channels {
		if glob(pattern, n) && k.srv.subscribers(n) > 0 {
			active = append(active, n)
		}
	}
	writeKeys(k.w, active)
	return nil
}

// subscribers counts who listens to a channel by its name.
func (s *Server) subscribers(channel string) int {
	n := 0
	for _, c := range s.sorted() {
		if slices.Contains(c.profile().channels, channel) {
			n++
		}
	}
	return n
}

// patterns is all that somebody listens to, each once.
func (s *Server) patterns() []string {
	var all []string
	for _, c := range s.sorted() {
		all = append(all, c.profile().patterns...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// texts is copies of the arguments from from on.
func (k *call) texts(from int) []string {
	names := make([]string, 0, len(k.args)-from)
	for _, a := range k.args[from:] {
		names = append(names, string(a))
	}
	return names
}

// with is the ascending names and one more, in a new slice; or the same if it is
// there.
func with(names []string, name string) []string {
	i, there := slices.BinarySearch(names, name)
	if there {
		return names
	}
	return slices.Insert(slices.Clone(names), i, name)
}

// without is the names and one less, in a new slice; or the same if it is not
// there.
func without(names []string, name string) []string {
	i, there := slices.BinarySearch(names, name)
	if !there {
		return names
	}
	return slices.Delete(slices.Clone(names), i, i+1)
}
