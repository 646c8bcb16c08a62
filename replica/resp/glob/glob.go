// Package glob matches text against patterns in Redis' style.
package glob

// MaxLen bounds the work of a pattern: each key costs at most its length
// times the pattern's.
const MaxLen = 1024

// Match matches s against a pattern in Redis' style: * any bytes, ? any byte,
// [abc] [a-z] [^a] one of some, \x the byte x. When a byte does not fit, only the
// last * is tried further along: an earlier one could not match more.
func Match(pattern, s string) bool {
	p, i := 0, 0
	star, from := -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, from = p, i
			p++
			continue
		}
		if n, ok := globByte(pattern[p:], s[i]); ok {
			p, i = p+n, i+1
			continue
		}
		if star < 0 {
			return false
		}
		from++
		p, i = star+1, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// globByte matches one byte, and says how much of the pattern stands for it.
func globByte(p string, c byte) (int, bool) {
	if p == "" {
		return 0, false
	}
	switch p[0] {
	case '?':
		return 1, true
	case '[':
		return globClass(p, c)
	case '\\':
		if len(p) > 1 {
			return 2, p[1] == c
		}
	}
	return 1, p[0] == c
}

// globClass matches a class; one that is not closed ends with the pattern.
func globClass(p string, c byte) (int, bool) {
	i, not, hit := 1, false, false
	if i < len(p) && p[i] == '^' {
		i, not = i+1, true
	}
	for i < len(p) && p[i] != ']' {
		if p[i] == '\\' && i+1 < len(p) {
			i++
		}
		lo, hi := p[i], p[i]
		if i+2 < len(p) && p[i+1] == '-' {
			i += 2
			hi = p[i]
		}
		hit = hit || min(lo, hi) <= c && c <= max(lo, hi)
		i++
	}
	return min(i+1, len(p)), hit != not
}
