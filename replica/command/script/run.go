package script

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"kvd/replica/command/edit"
	"kvd/replica/resp"
)

type luaValue struct {
	kind luaKind
	n    float64
	text []byte // of a string, a status or an error; nobody changes it
}

type luaKind uint8

const (
	luaNil luaKind = iota
	luaBool
	luaNumber
	luaString
	luaStatus
	luaError
)

func luaInt(n int64) luaValue { return luaValue{kind: luaNumber, n: float64(n)} }

func luaFlag(on bool) luaValue { return luaValue{kind: luaBool, n: float64(resp.Flag(on))} }

func (v luaValue) holds() bool { return v.kind != luaNil && (v.kind != luaBool || v.n != 0) }

func (v luaValue) equals(w luaValue) bool {
	return v.kind == w.kind && v.n == w.n && string(v.text) == string(w.text)
}

// maxNumeral bounds the strings that are looked at for a number, in bytes.
const maxNumeral = 1 << 10

// number is the value as a number, as Lua's arithmetic takes it.
func (v luaValue) number() (float64, bool) {
	switch v.kind {
	case luaNumber:
		return v.n, true
	case luaString:
		if len(v.text) > maxNumeral {
			return 0, false
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(string(v.text)), 64)
		return n, err == nil
	}
	return 0, false
}

func (v luaValue) argument() ([]byte, bool) {
	switch v.kind {
	case luaString:
		return v.text, true
	case luaNumber:
		if v.n == math.Trunc(v.n) && math.Abs(v.n) < 1<<53 {
			return strconv.AppendInt(nil, int64(v.n), 10), true
		}
		return strconv.AppendFloat(nil, v.n, 'g', 17, 64), true
	}
	return nil, false
}

func (v luaValue) write(w *resp.Writer) {
	switch v.kind {
	case luaBool:
		if v.n == 0 {
			w.Null()
			return
		}
		w.Int(1)
	case luaNumber:
		w.Int(int64(v.n))
	case luaString:
		w.Bulk(v.text)
	case luaStatus:
		w.Simple(strings.NewReplacer("\r", " ", "\n", " ").Replace(string(v.text)))
	case luaError:
		w.Error(string(v.text))
	default:
		w.Null()
	}
}

type frame struct {
	*invocation
	key   keyState
	slots []luaValue
	work  int // bytes of values that were compared or copied
}

// maxWork is how often a run may compare or copy the largest value there may be. Its own
// length does not bound what a script costs where a value has many megabytes.
const maxWork = 4

// charge counts bytes of values that are about to be compared or copied.
func (f *frame) charge(n int) error {
	f.work += n
	if limit := maxWork * f.limits.Bulk; f.work > limit {
		return resp.Error("ERR the script compares or copies more than " + strconv.Itoa(limit) + " bytes of values; do that in several commands")
	}
	return nil
}

// run carries the script out and gives what it returns; nil: nothing.
func (f *frame) run() (luaValue, error) {
	f.slots = make([]luaValue, f.script.slots)
	v, returned, err := f.block(f.script.body)
	if !returned {
		v = luaValue{}
	}
	return v, err
}

func (f *frame) block(all []*node) (v luaValue, returned bool, err error) {
	for _, s := range all {
		if v, returned, err = f.statement(s); returned || err != nil {
			break
		}
	}
	return v, returned, err
}

func (f *frame) statement(s *node) (v luaValue, returned bool, err error) {
	switch s.op {
	case "do":
		return f.block(s.then)
	case "for":
		if len(f.keys) == 0 {
			return v, false, nil
		}
		f.slots[s.slot] = luaInt(1)
		if _, _, err := f.statement(s.kids[0]); err != nil {
			return v, false, err
		}
		return f.block(s.then)
	}
	if v, err = f.value(s.kids[0]); err != nil {
		return v, false, err
	}
	switch s.op {
	case "assign":
		f.slots[s.slot] = v
	case "if":
		if v.holds() {
			return f.block(s.then)
		}
		return f.block(s.or)
	}
	return v, s.op == "return", nil
}

func (f *frame) value(e *node) (luaValue, error) {
	switch e.op {
	case "nil":
		return luaValue{}, nil
	case "true", "false":
		return luaFlag(e.op == "true"), nil
	case "string":
		return luaValue{kind: luaString, text: []byte(e.text)}, nil
	case "number":
		return luaValue{kind: luaNumber, n: e.n}, nil
	case "variable":
		return f.slots[e.slot], nil
	case "KEYS":
		return item(f.keys, e.n), nil
	case "ARGV":
		return item(f.argv, e.n), nil
	case "#KEYS":
		return luaInt(int64(len(f.keys))), nil
	case "#ARGV":
		return luaInt(int64(len(f.argv))), nil
	case "call":
		return f.command(e)
	case "function":
		return f.function(e)
	case "and", "or":
		v, err := f.value(e.kids[0])
		if err != nil || v.holds() == (e.op == "or") {
			return v, err
		}
		return f.value(e.kids[1])
	}
	return f.operate(e)
}

// item is a member of KEYS or ARGV, counted from one.
func item(list [][]byte, n float64) luaValue {
	if int(n) > len(list) {
		return luaValue{}
	}
	return luaValue{kind: luaString, text: list[int(n)-1]}
}

func (f *frame) values(kids []*node) ([]luaValue, error) {
	all := make([]luaValue, len(kids))
	for i, e := range kids {
		v, err := f.value(e)
		if err != nil {
			return nil, err
		}
		all[i] = v
	}
	return all, nil
}

func (f *frame) operate(e *node) (luaValue, error) {
	all, err := f.values(e.kids)
	if err != nil {
		return luaValue{}, err
	}
	switch e.op {
	case "unnot":
		return luaFlag(!all[0].holds()), nil
	case "un-":
		all = []luaValue{luaInt(0), all[0]}
	case "==", "~=", "<", ">", "<=", ">=":
		if err := f.charge(min(len(all[0].text), len(all[1].text))); err != nil {
			return luaValue{}, err
		}
		return compareLua(e.op, all[0], all[1])
	}
	a, fine := all[0].number()
	b, ok := all[1].number()
	if !fine || !ok {
		return luaValue{}, resp.Error("ERR the script calculates with what is no number")
	}
	switch e.op {
	case "+":
		a += b
	case "-", "un-":
		a -= b
	case "*":
		a *= b
	default:
		a /= b
	}
	return luaValue{kind: luaNumber, n: a}, nil
}

// compareLua compares any two values, and orders two numbers or two strings.
func compareLua(op string, a, b luaValue) (luaValue, error) {
	if op == "==" || op == "~=" {
		return luaFlag(a.equals(b) == (op == "==")), nil
	}
	if a.kind != b.kind || a.kind != luaNumber && a.kind != luaString {
		return luaValue{}, resp.Error("ERR the script compares what has no order")
	}
	if a.kind == luaString {
		a.n, b.n = float64(bytes.Compare(a.text, b.text)), 0
	}
	switch op {
	case "<":
		return luaFlag(a.n < b.n), nil
	case ">":
		return luaFlag(a.n > b.n), nil
	case "<=":
		return luaFlag(a.n <= b.n), nil
	}
	return luaFlag(a.n >= b.n), nil
}

func (f *frame) function(e *node) (luaValue, error) {
	all, err := f.values(e.kids)
	if err != nil || len(all) == 0 {
		return luaFlag(true), err // replicate_commands
	}
	switch v := all[0]; e.text {
	case "tonumber":
		n, ok := v.number()
		if !ok {
			return luaValue{}, nil
		}
		return luaValue{kind: luaNumber, n: n}, nil
	case "tostring":
		text, ok := v.argument()
		if !ok {
			text = []byte(map[bool]string{true: "nil", false: strconv.FormatBool(v.holds())}[v.kind == luaNil])
		}
		return luaValue{kind: luaString, text: text}, nil
	case "redis.status_reply":
		return luaValue{kind: luaStatus, text: v.text}, nil
	default:
		return luaValue{kind: luaError, text: v.text}, nil
	}
}

func (f *frame) command(e *node) (luaValue, error) {
	all, err := f.values(e.kids)
	if err != nil {
		return luaValue{}, err
	}
	args := [][]byte{[]byte(e.text)}
	for _, v := range all {
		text, ok := v.argument()
		if !ok {
			return luaValue{}, resp.Error("ERR Lua redis lib command arguments must be strings or integers")
		}
		args = append(args, text)
	}
	if len(f.keys) != 1 || string(args[1]) != string(f.keys[0]) {
		return luaValue{}, resp.Error("ERR the script touches a key that is not KEYS[1]; " + scriptWay)
	}
	op, _ := operationOf(e.text)
	if n := len(args); n != op.arity && (op.arity > 0 || n < -op.arity) {
		return luaValue{}, resp.WrongArity(e.text)
	}
	if err := f.charge(f.key.cost(args)); err != nil {
		return luaValue{}, err
	}
	return op.do(edit.Words{Args: args, Call: owned{args, f.key.pick}, Clock: f.limits.Clock, Limit: f.limits.Bulk}, &f.key)
}

// owned is arguments that a script has made for one call.
type owned struct {
	args [][]byte
	pick bool
}

func (o owned) Bytes(i int) []byte { return o.args[i] }

func (o owned) Picks([]byte) bool { return o.pick }
