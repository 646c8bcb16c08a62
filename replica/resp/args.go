package resp

// Args are a command's arguments, its name first.
type Args [][]byte

// Is reports whether argument i is the word, which is in upper case, in any case.
func (a Args) Is(i int, word string) bool { return SameWord(a[i], word) }

// Int reads argument i. The error is ErrNotInteger.
func (a Args) Int(i int) (int64, error) {
	n, ok := ParseInt(a[i])
	if !ok {
		return 0, ErrNotInteger
	}
	return n, nil
}

// Texts is copies of the arguments from from on.
func (a Args) Texts(from int) []string {
	texts := make([]string, 0, len(a)-from)
	for _, b := range a[from:] {
		texts = append(texts, string(b))
	}
	return texts
}
