package main

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

func sessionFlag() cli.Flag {
	return &cli.StringFlag{Name: "session", Usage: "remember what was seen, in the session called `NAME`"}
}

func tokenFlag() cli.Flag {
	return &cli.StringFlag{Name: "token", Usage: "go over exactly what `TOKEN` was shown; kv siblings prints it"}
}

func dotFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dot", Usage: "print the dot of the write as well, which kv fate takes; alone with -o raw"}
}

func valueSpecs() []invoke.Spec {
	return []invoke.Spec{
		{Name: "get", Usage: "print the value of a key", Args: "KEY", Least: 1, Most: 1, Do: at(get),
			About: "A key with siblings has no one value: the exit code is 4, and kv siblings shows them.",
			Flags: []cli.Flag{sessionFlag(), &cli.BoolFlag{Name: "strict", Usage: "refuse siblings even where the server would pick one"}}},
		{Name: "set", Usage: "set a key", Args: "KEY VALUE", Least: 2, Most: 2, Writes: true, Do: at(set),
			About: "Plain, it goes over whatever the leader shows. With --token, or after a get in the\nsame --session, it goes over exactly what was shown." + aboutAcks,
			Flags: append(acksFlags(), sessionFlag(), tokenFlag(), dotFlag(),
				&cli.DurationFlag{Name: "ttl", Usage: "the value ends after `DURATION`"},
				&cli.BoolFlag{Name: "nx", Usage: "only if this leader shows none; another leader may say yes as well"},
				&cli.BoolFlag{Name: "xx", Usage: "only if this leader shows one"})},
		{Name: "del", Usage: "remove keys", Args: "KEY...", Least: 1, Most: -1, Writes: true, Do: at(del),
			About: "It prints how many were there. With --token or in a --session, what was shown is removed,\none key after another, and every key counts. With --dot it takes one key, and prints the\ndot of its deletion." + aboutAcks,
			Flags: append(acksFlags(), sessionFlag(), tokenFlag(), dotFlag())},
		{Name: "mget", Usage: "print the values of several keys", Args: "KEY...", Least: 1, Most: -1, Do: at(mget), Flags: []cli.Flag{sessionFlag()}},
		{Name: "mset", Usage: "set several keys", Args: "KEY VALUE...", Least: 2, Most: -1, Writes: true, Do: on(mset), Flags: []cli.Flag{sessionFlag()},
			About: "In a session the keys are set one after another, each as set would."},
	}
}

// reading asks for everything a key shows, at a leader that has what the session
// has seen. The session learns nothing yet.
func (k *call) reading(l *client.Leader, key string) (client.Reading, error) {
	return l.Read(k.Ctx(), key, k.Session.Token(key))
}

func manyValues(r client.Reading) error {
	return &cliutil.Problem{
		What: "get " + show.Brief(r.Key), Why: fmt.Sprintf("the key has %d siblings under %s", len(r.Values), r.Resolver),
		Next: "kv siblings KEY shows them, kv resolve KEY VALUE puts one value in their place", Code: cliutil.Differs,
	}
}

// one is the value of a key, if it shows one, and the session was shown it.
func (k *call) one(l *client.Leader, key string) (show.Entry, error) {
	r, err := k.reading(l, key)
	if err != nil {
		return show.Entry{}, err
	}
	if len(r.Values) > 1 {
		return show.Entry{}, errors.Join(k.Session.Saw(r.Token), manyValues(r))
	}
	if err := k.Session.ShownBy(r.Token); err != nil {
		return show.Entry{}, err
	}
	return show.Entry{Key: key, There: len(r.Values) == 1, Value: slices.Concat(r.Values, []string{""})[0]}, nil
}

// entry is one's, or a plain GET's.
func (k *call) entry(l *client.Leader, key string) (show.Entry, error) {
	if k.Session.On() || k.Bool("strict") {
		return k.one(l, key)
	}
	r, err := l.Do(k.Ctx(), "GET", key)
	return show.Entry{Key: key, Value: r.Text, There: !r.IsNull()}, err
}

func get(k *call, l *client.Leader) error {
	key := k.Args().First()
	e, err := k.entry(l, key)
	switch {
	case err != nil:
		return err
	case !e.There:
		return k.Absent("the key is not there, at " + l.String())
	}
	e.Bare = true
	return k.Out.Put(e.Record())
}

func set(k *call, l *client.Leader) error {
	key := k.Args().First()
	options, err := k.setOptions()
	if err != nil {
		return err
	}
	value, err := k.Value(k.Args().Get(1))
	if err != nil {
		return err
	}
	if k.informed() || k.Bool("dot") || k.levelled() {
		return k.putWrite(l, "KVD.SET", key, value)
	}
	r, err := l.Do(k.Ctx(), append([]string{"SET", key, value}, options...)...)
	switch {
	case err != nil:
		return err
	case r.IsNull() && k.Bool("xx"):
		return k.Absent("the key is not there, at " + l.String() + ", and --xx sets only what is")
	case r.IsNull():
		return &cliutil.Problem{What: k.Subject(), Why: "the key is there, at " + l.String() + ", and --nx sets only what is not", Next: "kv get shows it"}
	}
	return k.Out.Put(done(show.KeyFact(key)))
}

// done says OK, and what else there is to know.
func done(more ...show.Fact) show.Record {
	return show.Facts("OK", "OK", append([]show.Fact{show.TruthFact("ok", true)}, more...)...)
}

func (k *call) putWrite(l *client.Leader, words ...string) error {
	dot, token, err := k.write(l, words...)
	if err != nil {
		return err
	}
	return k.putWritten(words[1], dot, token)
}

// putWritten prints a write that was done, whose author has seen what the token has.
func (k *call) putWritten(key, dot, token string) error {
	return k.putDotted("OK", dot, show.TruthFact("ok", true), show.KeyFact(key), show.WordFact("dot", dot), show.WordFact("token", token))
}

// putDotted prints facts of a write, with its dot if the user wants to know. JSON has it
// anyway.
func (k *call) putDotted(say, dot string, all ...show.Fact) error {
	raw := say
	if dot = show.Printable(dot); k.Bool("dot") && dot != "" {
		say, raw = say+"\ndot "+dot, dot
	}
	return k.Out.Put(show.Facts(say, raw, all...))
}

// informed reports whether a write says what its author has seen.
func (k *call) informed() bool { return k.Session.On() || k.String("token") != "" }

// setOptions is SET's options, which an informed write does not have.
func (k *call) setOptions() ([]string, error) {
	var words []string
	if k.IsSet("ttl") {
		ttl := k.Duration("ttl")
		if ttl < time.Millisecond {
			return nil, cliutil.Usage("--ttl "+ttl.String()+" is too short", "the least is 1ms", "kv del removes a key at once")
		}
		words = append(words, "PX", strconv.FormatInt(ttl.Milliseconds(), 10))
	}
	for _, name := range []string{"nx", "xx"} {
		if k.Bool(name) {
			words = append(words, name)
		}
	}
	switch {
	case k.Session.On() && k.String("token") != "":
		return nil, cliutil.Usage("--session and --token say the same thing twice", "a session has its own token", "leave out one of them")
	case k.Bool("nx") && k.Bool("xx"):
		return nil, cliutil.Usage("--nx and --xx leave nothing to set", "a key is there or not", "leave out one of them")
	case k.levelled() && len(words) > 0:
		return nil, cliutil.Usage("--ttl, --nx and --xx do not go with --acks and --request", "the server's KVD.SET has no options", "leave them out; kv expire follows a set, and a policy PREFIX=RESOLVER,acks=N holds for plain writes too")
	case k.Bool("dot") && len(words) > 0:
		return nil, cliutil.Usage("--ttl, --nx and --xx do not go with --dot", "the server's SET answers no dot, and its KVD.SET has no options", "leave out --dot; kv history KEY prints dots as well")
	case k.informed() && len(words) > 0:
		return nil, cliutil.Usage("--ttl, --nx and --xx do not go with a token", "the server's KVD.SET has no options", "leave them out; kv expire follows a set, also in a session")
	}
	return words, nil
}

// write sends an informed write. A session learns of it.
func (k *call) write(l *client.Leader, words ...string) (dot, after string, err error) {
	key := words[1]
	token := k.String("token")
	if token == "" {
		token = k.Session.Token(key)
	}
	r, err := k.doLevelled(l, append(words, client.TokenWords(token)...)...)
	if err != nil {
		return "", "", err
	}
	after = r.Field("token").Text
	return r.Field("dot").Text, after, k.Session.ShownBy(after)
}

func del(k *call, l *client.Leader) error {
	if _, err := k.setOptions(); err != nil {
		return err
	}
	keys := k.Args().Slice()
	if k.Bool("dot") || k.levelled() {
		if len(keys) > 1 {
			return cliutil.Usage("--dot, --acks and --request are of one key", fmt.Sprintf("%d keys are named", len(keys)), "kv del KEY --dot")
		}
		return k.putWrite(l, "KVD.DEL", keys[0])
	}
	if !k.informed() {
		r, err := l.Do(k.Ctx(), append([]string{"DEL"}, keys...)...)
		if err != nil {
			return err
		}
		return k.counted("deleted", r.Int)
	}
	if k.String("token") != "" && len(keys) > 1 {
		return cliutil.Usage("--token is of one key", fmt.Sprintf("%d keys are named", len(keys)), "kv del KEY --token TOKEN")
	}
	for i, key := range keys {
		if _, _, err := k.write(l, "KVD.DEL", key); err != nil {
			return k.partly(i, err)
		}
	}
	return k.counted("deleted", int64(len(keys)))
}

// partly says how far a command of several steps came.
func (k *call) partly(done int, err error) error {
	if done > 0 {
		k.Say(fmt.Sprintf("the first %d were done", done))
	}
	return err
}

// counted prints a count; if it is zero, none of the keys was there.
func (k *call) counted(what string, n int64) error {
	text := strconv.FormatInt(n, 10)
	if err := k.Out.Put(show.Facts(text, text, show.NumberFact(what, n))); err != nil || n > 0 {
		return err
	}
	return k.Absent("none of the keys is there")
}

func mget(k *call, l *client.Leader) error {
	k.Out.List()
	found := false
	for e, err := range k.entries(l, k.Args().Slice()) {
		if err == nil {
			err = k.Out.Put(e.Record())
		}
		if err != nil {
			return err
		}
		found = found || e.There
	}
	if !found {
		return k.Absent("none of the keys is there, at " + l.String())
	}
	return nil
}

// entries is the values of several keys, all at once; in a session one after another, since
// what is not printed has not been shown. An error is the last one.
func (k *call) entries(l *client.Leader, keys []string) iter.Seq2[show.Entry, error] {
	return func(yield func(show.Entry, error) bool) {
		if k.Session.On() {
			for _, key := range keys {
				if e, err := k.one(l, key); !yield(e, err) || err != nil {
					return
				}
			}
			return
		}
		r, err := l.Do(k.Ctx(), append([]string{"MGET"}, keys...)...)
		if err != nil {
			yield(show.Entry{}, err)
			return
		}
		for i, v := range r.Items {
			if !yield(show.Entry{Key: keys[i], Value: v.Text, There: !v.IsNull()}, nil) {
				return
			}
		}
	}
}

func mset(k *call) error {
	args := k.Args().Slice()
	if len(args)%2 != 0 {
		return cliutil.Usage("the last key has no value", fmt.Sprintf("%d arguments are not pairs", len(args)), "kv mset KEY VALUE KEY VALUE")
	}
	if err := k.fill(args); err != nil {
		return err
	}
	l, err := k.Leader()
	if err != nil {
		return err
	}
	if err := k.setAll(l, args); err != nil {
		return err
	}
	return k.Out.Put(done(show.NumberFact("set", int64(len(args)/2))))
}

// fill puts standard input in the place of the value that asks for it.
func (k *call) fill(pairs []string) error {
	read := false
	for i := 1; i < len(pairs); i += 2 {
		if pairs[i] == "-" && read {
			return cliutil.Usage("standard input is one value", "two values are -", "kv set each by itself")
		}
		read = read || pairs[i] == "-"
		var err error
		if pairs[i], err = k.Value(pairs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (k *call) setAll(l *client.Leader, pairs []string) error {
	if !k.Session.On() {
		_, err := l.Do(k.Ctx(), append([]string{"MSET"}, pairs...)...)
		return err
	}
	for i := 0; i < len(pairs); i += 2 {
		if _, _, err := k.write(l, "KVD.SET", pairs[i], pairs[i+1]); err != nil {
			return k.partly(i/2, err)
		}
	}
	return nil
}
