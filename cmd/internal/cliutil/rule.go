package cliutil

import "strings"

// CutRule takes a rule of a policy apart, as people write it: PREFIX=RESOLVER[,OPTION…]. A comma of
// the prefix is written \, and a backslash before a comma or another backslash \\. It is false for
// what is no rule.
func CutRule(text string) (prefix, resolver string, options []string, ok bool) {
	parts := BetweenCommas(text)
	i := strings.LastIndexByte(parts[0], '=')
	if i < 1 {
		return "", "", nil, false
	}
	return strings.NewReplacer(`\,`, `,`, `\\`, `\`).Replace(parts[0][:i]), parts[0][i+1:], parts[1:], true
}

// BetweenCommas is the parts between commas that separate, as they are written.
func BetweenCommas(text string) []string {
	var parts []string
	begin := 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++ // it separates nothing
		case text[i] == ',':
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}
