package command

import (
	"strconv"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
	"kvd/replica/resp/token"
)

// option is a word that the KVD commands on one key know.
type option uint8

const (
	withToken    option = 1 << iota // TOKEN text
	withRequest                     // REQUEST client number
	withEvidence                    // EVIDENCE
)

// options is what a KVD command was given beside key and value.
type options struct {
	token          token.Token // the zero Token: none
	client, number uint64      // zero: the write has no identity
	evidence       bool
}

// parseOptions reads options from argument i to the end, in any order, each at most
// once, of those allowed.
func parseOptions(k *server.Call, i int, allowed option) (options, error) {
	var o options
	for i < len(k.Args) {
		opt, size := optionAt(k, i)
		if opt&allowed == 0 || i+size > len(k.Args) {
			return options{}, resp.ErrSyntax
		}
		allowed &^= opt
		if err := takeOption(k, &o, opt, i); err != nil {
			return options{}, err
		}
		i += size
	}
	return o, nil
}

// optionAt is what argument i names, and of how many arguments that is.
func optionAt(k *server.Call, i int) (option, int) {
	switch {
	case k.Is(i, "TOKEN"):
		return withToken, 2
	case k.Is(i, "REQUEST"):
		return withRequest, 3
	case k.Is(i, "EVIDENCE"):
		return withEvidence, 1
	}
	return 0, 1
}

func takeOption(k *server.Call, o *options, opt option, i int) (err error) {
	switch opt {
	case withToken:
		o.token, err = parseToken(k, i+1)
	case withRequest:
		o.client, o.number, err = parseRequest(k, i+1)
	case withEvidence:
		o.evidence, err = true, k.Require(acl.Read) // it shows what the key holds
	}
	return err
}

// parseToken reads argument i. A token that attests a key is of use for that key
// only.
func parseToken(k *server.Call, i int) (token.Token, error) {
	t, err := token.Parse(string(k.Args[i]))
	if err != nil {
		return token.Token{}, err
	}
	if t.Keyed && t.Key != string(k.Args[1]) {
		return token.Token{}, resp.Error("ERR the token is of another key; pass on what KVD.GET of this key gave")
	}
	return t, nil
}

// parseRequest reads who a write is by, and its number there: the same two at another
// leader are the same write. Client zero is nobody.
func parseRequest(k *server.Call, i int) (client, number uint64, err error) {
	client, ok := parseUint(k.Args[i])
	number, fine := parseUint(k.Args[i+1])
	if !ok || !fine || client == 0 {
		return 0, 0, resp.Error("ERR a request is two integers, the client above zero and its number; draw the client at random, count the number")
	}
	return client, number, nil
}

func parseUint(b []byte) (uint64, bool) {
	n, err := strconv.ParseUint(string(b), 10, 64)
	return n, err == nil && (b[0] != '0' || len(b) == 1)
}

func writeDots(w *resp.Writer, dots []logical.Dot) {
	w.Array(len(dots))
	for _, d := range dots {
		w.Text(d.String())
	}
}

func writeValues(w *resp.Writer, values [][]byte) {
	w.Array(len(values))
	for _, v := range values {
		w.Bulk(v)
	}
}

// writeSeen renders what the client has seen, of any key.
func writeSeen(w *resp.Writer, seen replica.Token) {
	w.Field("seen").Text(token.Token{Seen: seen}.String())
}
