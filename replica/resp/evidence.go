package resp

import (
	"strconv"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
)

// option is a word that the KVD commands on one key know.
type option uint8

const (
	token    option = 1 << iota // TOKEN text
	identity                    // REQUEST client number
	evidence                    // EVIDENCE
)

// options is what a KVD command was given beside key and value.
type options struct {
	token          Token  // the zero Token: none
	client, number uint64 // zero: the write has no identity
	evidence       bool
}

// options reads options from argument i to the end, in any order, each at most
// once, of those allowed.
func (k *call) options(i int, allowed option) (options, error) {
	var o options
	for i < len(k.args) {
		opt, size := k.option(i)
		if opt&allowed == 0 || i+size > len(k.args) {
			return options{}, errSyntax
		}
		allowed &^= opt
		if err := k.takeOption(&o, opt, i); err != nil {
			return options{}, err
		}
		i += size
	}
	return o, nil
}

// option is what argument i names, and of how many arguments that is.
func (k *call) option(i int) (option, int) {
	switch {
	case k.is(i, "TOKEN"):
		return token, 2
	case k.is(i, "REQUEST"):
		return identity, 3
	case k.is(i, "EVIDENCE"):
		return evidence, 1
	}
	return 0, 1
}

func (k *call) takeOption(o *options, opt option, i int) (err error) {
	switch opt {
	case token:
		o.token, err = k.token(i + 1)
	case identity:
		o.client, o.number, err = k.identity(i + 1)
	case evidence:
		o.evidence, err = true, k.also(acl.Read) // it shows what the key holds
	}
	return err
}

// token reads argument i. A token that vouches for a key is of use for that key
// only.
func (k *call) token(i int) (Token, error) {
	t, err := ParseToken(string(k.args[i]))
	if err != nil {
		return Token{}, err
	}
	if t.Keyed && t.Key != string(k.args[1]) {
		return Token{}, refusal("ERR the token is of another key; pass on what KVD.GET of this key gave")
	}
	return t, nil
}

// identity reads who a write is by, and its number there: the same two at another
// leader are the same write. Client zero is nobody.
func (k *call) identity(i int) (client, number uint64, err error) {
	client, ok := parseUint(k.args[i])
	number, fine := parseUint(k.args[i+1])
	if !ok || !fine || client == 0 {
		return 0, 0, refusal("ERR a request is two integers, the client above zero and its number; draw the client at random, count the number")
	}
	return client, number, nil
}

func parseUint(b []byte) (uint64, bool) {
	n, err := strconv.ParseUint(string(b), 10, 64)
	return n, err == nil && (b[0] != '0' || len(b) == 1)
}

func writeDots(w *Writer, name string, dots []logical.Dot) {
	w.Text(name)
	w.Array(len(dots))
	for _, d := range dots {
		w.Text(d.String())
	}
}

func writeValues(w *Writer, values [][]byte) {
	w.Array(len(values))
	for _, v := range values {
		w.Bulk(v)
	}
}

// writeSeen renders what the client has seen, of any key.
func writeSeen(w *Writer, seen replica.Token) {
	w.Text("seen")
	w.Text(Token{Seen: seen}.String())
}
