package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

func siblingSpecs() []spec {
	return []spec{
		{name: "siblings", usage: "print all values a key shows, and a token for writing over them", args: "KEY", least: 1, most: 1, do: siblings, flags: []cli.Flag{sessionFlag()}},
		{name: "resolve", usage: "put one value in the place of the siblings", args: "KEY VALUE", least: 2, most: 2, do: resolve,
			about: "It goes over exactly what was shown: to the session, to whoever got --token, or, with\nneither, to kv just now. What others wrote meanwhile stays.",
			flags: []cli.Flag{sessionFlag(), tokenFlag()}},
		{name: "history", usage: "print the writes of a key that this leader still has", args: "KEY", least: 1, most: 1, do: history},
		{name: "watch", usage: "print what a key shows whenever that changes", args: "KEY", least: 1, most: 1, do: watch,
			about: "It asks again and again, and prints each change it sees; a value that came and went in\nbetween is not seen. Ctrl-C ends it.",
			flags: []cli.Flag{everyFlag()}},
	}
}

// shown is all that a key shows.
type shown struct{ reading }

func (s shown) text(p *printer) string {
	lines := []string{fmt.Sprintf("%s under %s: %s", p.show(s.key), s.resolver, count(len(s.values), "value"))}
	for i, v := range s.values {
		lines = append(lines, fmt.Sprintf("%d) %s", i+1, p.show(v)))
	}
	return strings.Join(append(lines, "token "+s.token), "\n")
}

func (s shown) raw() string       { return strings.Join(s.values, "\n") + "\n" }
func (s shown) columns() []string { return []string{"key", "resolver", "values", "token"} }
func (s shown) cells() []string {
	return []string{printable(s.key), s.resolver, joined(s.values), s.token}
}

// MarshalJSON lists the values.
func (s shown) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Key      keyName `json:"key"`
		Values   []blob  `json:"values"`
		Token    string  `json:"token"`
		Resolver string  `json:"resolver"`
	}{keyName(s.key), blobsOf(s.values), s.token, s.resolver})
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func siblings(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	r, err := k.reading(l, k.Args().First())
	if err != nil {
		return err
	}
	if err := k.out.put(shown{r}); err != nil {
		return err
	}
	if err := k.session.shownBy(r.token); err != nil {
		return err
	}
	if len(r.values) == 0 {
		return k.absent("the key is not there, at " + l.String())
	}
	return nil
}

func resolve(k *call) error {
	if _, err := k.setOptions(); err != nil {
		return err
	}
	key := k.Args().First()
	value, err := k.value(k.Args().Get(1))
	if err != nil {
		return err
	}
	l, err := k.leader()
	if err != nil {
		return err
	}
	token, err := k.shownToken(l, key)
	if err != nil {
		return err
	}
	r, err := l.do(k.ctx(), "KVD.RESOLVE", key, value, "TOKEN", token)
	if err != nil {
		return err
	}
	after := r.field("token").text
	if err := k.session.shownBy(after); err != nil {
		return err
	}
	return k.out.put(done(keyFact(key), wordFact("dot", r.field("dot").text), wordFact("token", after)))
}

// shownToken says what a resolution goes over. If nobody says it, it is what the
// leader shows now, which the user is told.
func (k *call) shownToken(l *leader, key string) (string, error) {
	if token := k.String("token"); token != "" {
		return token, nil
	}
	if k.session.find(key) >= 0 {
		return k.session.token(key), nil
	}
	r, err := k.reading(l, key)
	if err != nil {
		return "", err
	}
	if len(r.values) == 0 {
		return "", k.absent("there is nothing to resolve, at " + l.String())
	}
	k.say(fmt.Sprintf("over %s: %s", count(len(r.values), "value"), joined(r.values)))
	return r.token, nil
}

// op is one write of a key's history.
type op struct {
	dot, kind          string
	value              string
	valued             bool
	wall, hlc, lamport string
	parents            []string
	client             string
}

func (o op) what(show func(string) string) string {
	if !o.valued {
		return o.kind
	}
	return o.kind + " " + show(o.value)
}

func (o op) text(p *printer) string {
	parents := "nothing"
	if len(o.parents) > 0 {
		parents = strings.Join(o.parents, ", ")
	}
	return fmt.Sprintf("%s  %s\n    over %s; wall %s, hlc %s, lamport %s, client %s", o.dot, o.what(p.show), parents, o.wall, o.hlc, o.lamport, o.client)
}

func (o op) raw() string { return o.value }

func (o op) columns() []string {
	return []string{"dot", "kind", "value", "wall", "hlc", "lamport", "parents", "client"}
}

func (o op) cells() []string {
	return []string{o.dot, o.kind, printable(o.value), o.wall, o.hlc, o.lamport, strings.Join(o.parents, " "), o.client}
}

// MarshalJSON gives no value where there is none.
func (o op) MarshalJSON() ([]byte, error) {
	var value *blob
	if o.valued {
		b := blobOf(o.value)
		value = &b
	}
	return marshal(struct {
		Dot     string   `json:"dot"`
		Kind    string   `json:"kind"`
		Value   *blob    `json:"value"`
		Wall    string   `json:"wall"`
		HLC     string   `json:"hlc"`
		Lamport string   `json:"lamport"`
		Parents []string `json:"parents"`
		Client  string   `json:"client"`
	}{o.dot, o.kind, value, o.wall, o.hlc, o.lamport, o.parents, o.client})
}

func history(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	r, err := l.do(k.ctx(), "KVD.HISTORY", k.Args().First())
	if unknown(err) {
		return &cliutil.Problem{What: k.subject() + " at " + l.String(), Why: "this server has no KVD.HISTORY: it keeps the writes and does not show them",
			Next: "kv siblings KEY shows what is there now"}
	}
	if err != nil {
		return err
	}
	k.out.list()
	for _, item := range r.items {
		if err := k.out.put(opOf(item)); err != nil {
			return err
		}
	}
	if len(r.items) == 0 {
		return k.absent("no write of the key is kept, at " + l.String())
	}
	return nil
}

// opOf reads a map {dot, kind, value, wall, hlc, lamport, parents, client}.
func opOf(r reply) op {
	value := r.field("value")
	return op{
		dot: r.field("dot").text, kind: r.field("kind").text, value: value.text, valued: value.kind != aNull,
		wall: r.field("wall").text, hlc: r.field("hlc").text, lamport: r.field("lamport").text,
		parents: r.field("parents").texts(), client: r.field("client").text,
	}
}
