// Package gltracker puts game servers on the list of a gltracker, and reads it.
package gltracker

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Fields are the key=value of a line.
type Fields map[string]string

var (
	field   = regexp.MustCompile(`([a-z][a-z0-9_-]*)=(?:"((?:[^"\\]|\\.)*)"|([^ "]*))(?: |$)`)
	quote   = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	unquote = strings.NewReplacer(`\\`, `\`, `\"`, `"`)
	// What no value may hold: control characters, separators of lines, bidirectional controls.
	notText = regexp.MustCompile(`[\x00-\x1f\x7f-\x{9f}\x{2028}\x{2029}\x{61c}\x{200e}\x{200f}` +
		`\x{202a}-\x{202e}\x{2066}-\x{2069}]`)
)

// ParseFields reads the fields of a line.
func ParseFields(text string) Fields {
	fields := Fields{}
	for _, match := range field.FindAllStringSubmatch(text, -1) {
		fields[match[1]] = unquote.Replace(match[2]) + match[3]
	}
	return fields
}

// with adds fields to a copy.
func (fields Fields) with(others Fields) Fields {
	all := Fields{}
	for _, part := range []Fields{fields, others} {
		for key, value := range part {
			all[key] = value
		}
	}
	return all
}

// quoted is a value in quotes, if it must be, and of it the whole letters that 255 bytes have room for.
func quoted(value string) string {
	value = notText.ReplaceAllString(strings.ToValidUTF8(value, "?"), " ")
	for len(value) > 255 {
		_, size := utf8.DecodeLastRuneInString(value)
		value = value[:len(value)-size]
	}
	if !strings.ContainsAny(value, ` "`) {
		return value
	}
	return `"` + quote.Replace(value) + `"`
}

// String has a space before each field.
func (fields Fields) String() string {
	words := []string{}
	for key, value := range fields {
		words = append(words, " "+key+"="+quoted(value))
	}
	sort.Strings(words)
	return strings.Join(words, "")
}

// Refusal is what follows ERR.
type Refusal string

func (refusal Refusal) Error() string { return string(refusal) }

// Code is for programs, as the rest is for people.
func (refusal Refusal) Code() string { return strings.SplitN(string(refusal), " ", 2)[0] }

// isMistake is true of what leaves a game server on the list; before it is there, these are final.
func (refusal Refusal) isMistake() bool {
	codes := " unknown-command bad-syntax line-too-long not-text bad-value bad-ip "
	return strings.Contains(codes, " "+refusal.Code()+" ")
}

var waitText = regexp.MustCompile(`wait (\d{1,4}) s`)

// Wait is how long the text asks to wait; 0 if it does not.
func (refusal Refusal) Wait() time.Duration {
	if match := waitText.FindStringSubmatch(string(refusal)); match != nil {
		seconds, _ := strconv.Atoi(match[1])
		return time.Duration(seconds) * time.Second
	}
	return 0
}

// leastWait is how long a game server waits at least before it comes back; false if it never does.
func (refusal Refusal) leastWait(wasNamed bool, udpPort int) (time.Duration, bool) {
	code := refusal.Code()
	switch {
	case strings.Contains(string(refusal), "PROXY header"):
		return time.Minute, true
	case refusal.Wait() > 0:
		return refusal.Wait(), true
	case code == "taken" && strings.Contains(string(refusal), "took over"):
		return 10 * time.Minute, true
	case code == "too-many" && !wasNamed:
		return 5 * time.Second, true
	case code == "too-many", code == "unreachable" && udpPort >= 1024:
		return time.Minute, true
	}
	finals := " bad-password taken banned unreachable "
	return 0, !refusal.isMistake() && (code == "" || !strings.Contains(finals, " "+code+" "))
}
