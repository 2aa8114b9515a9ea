// How a tracker is reached: one address of its name after the other, and lines with deadlines.

package gltracker

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand"
	"net"
	"regexp"
	"sort"
	"strings"
	"time"
)

var chance = rand.New(rand.NewSource(time.Now().UnixNano()))

// Varied is longer or shorter by chance, by half at the most.
func Varied(delay time.Duration) time.Duration {
	return time.Duration((0.5 + chance.Float64()) * float64(delay))
}

// Conn is a connection to a tracker.
type Conn struct {
	net.Conn
	reader *bufio.Reader
}

// Say sends a line. If it cannot be sent, what the tracker said before is still to be read.
func (conn *Conn) Say(words string) { fmt.Fprintf(conn, "%s\n", words) }

// Lines are fit to be printed, and end with the connection. Who has enough of it calls leave.
func (conn *Conn) Lines() <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for {
			line, err := conn.reader.ReadSlice('\n') // one that is too long is an error
			if err != nil {
				return
			}
			lines <- notText.ReplaceAllString(strings.TrimRight(string(line), "\r\n"), " ")
		}
	}()
	return lines
}

// leave closes the connection and lets go of its lines.
func (conn *Conn) leave(lines <-chan string) {
	conn.Close()
	for range lines {
	}
}

// Tracker is a tracker by its name, which may have several addresses.
type Tracker struct {
	Host, Port     string
	answered, busy string
}

// NewTracker takes HOST, HOST:PORT or [IPv6]:PORT.
func NewTracker(address, defaultPort string) (Tracker, error) {
	if !strings.Contains(address, ":") || strings.HasSuffix(address, "]") {
		address += ":" + defaultPort
	}
	host, port, err := net.SplitHostPort(address)
	return Tracker{Host: host, Port: port}, err
}

// Dial connects to the first address that says anything to a line: first to the one that answered
// last, and last to the one that was busy. In between, chance decides within a family.
func (tracker *Tracker) Dial(first string) (*Conn, error) {
	addresses, err := net.LookupHost(tracker.Host)
	if err != nil {
		return nil, err
	}
	isIPv6 := func(address string) bool { return strings.Contains(address, ":") }
	preferred, ranks := isIPv6(addresses[0]), map[string]float64{}
	for _, address := range addresses {
		ranks[address] = chance.Float64()
		if address == tracker.busy {
			ranks[address] += 4
		}
		if address != tracker.answered {
			ranks[address] += 2
		}
		if isIPv6(address) != preferred {
			ranks[address]++
		}
	}
	sort.Slice(addresses, func(i, j int) bool { return ranks[addresses[i]] < ranks[addresses[j]] })
	for i, address := range addresses {
		patience := 3 * time.Second
		if i == len(addresses)-1 {
			patience = 15 * time.Second
		}
		var tcp net.Conn
		tcp, err = net.DialTimeout("tcp", net.JoinHostPort(address, tracker.Port), patience)
		if err != nil {
			continue
		}
		conn := &Conn{tcp, bufio.NewReaderSize(tcp, 1024)}
		conn.SetDeadline(time.Now().Add(patience))
		conn.Say(first)
		if _, err = conn.reader.Peek(1); err == nil {
			tracker.answered, tracker.busy = address, ""
			return conn, conn.SetDeadline(time.Time{})
		}
		conn.Close()
	}
	return nil, err
}

// WasBusy makes the address that answered last the last to be tried next time.
func (tracker *Tracker) WasBusy() { tracker.busy, tracker.answered = tracker.answered, "" }

var challenge = regexp.MustCompile(`^CHALLENGE ([0-9a-f]{16})$`)

// receive answers players, and passes on the numbers that come.
func receive(udp *net.UDPConn, numbers chan<- [2]string, done <-chan struct{}) {
	data := make([]byte, 2048)
	for {
		size, sender, err := udp.ReadFromUDP(data)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		datagram := string(data[:size])
		if strings.HasPrefix(datagram, "PING ") {
			udp.WriteToUDP([]byte("PONG "+datagram[5:]), sender)
		}
		if match := challenge.FindStringSubmatch(datagram); match != nil {
			select {
			case numbers <- [2]string{sender.String(), match[1]}:
			case <-done:
			}
		}
	}
}
