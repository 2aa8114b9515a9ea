#!/usr/bin/perl
# Opens the tracker's two ports, hands them to it, and keeps them open while it is started again.
# usage: listen.pl [-q QUEUE] [-u USER] [-s ADDR] [-c ADDR] PROGRAM [ARGUMENT...]
# -q: connections that may wait at each port (4096); -u: who the program runs as; -s, -c: where game
# servers log in and clients ask ([::]:23470, [::]:23471, which are IPv4 too).
# A program that ends is started again a tenth of a second later, unless it ended with exit code 2,
# wrong usage. HUP ends it, so that it is started again. TERM and INT end both.
# It takes what Debian calls perl-base.
use strict;
use warnings;
use Socket qw(:DEFAULT getaddrinfo IPPROTO_IPV6 IPV6_V6ONLY AI_PASSIVE AI_NUMERICHOST AI_NUMERICSERV);

my %option = (q => 4096, s => '[::]:23470', c => '[::]:23471');
while (@ARGV && $ARGV[0] =~ /^-([qusc])$/) {
    shift;
    $option{$1} = shift // die "listen.pl: -$1 needs a value\n";
}
die "usage: listen.pl [-q QUEUE] [-u USER] [-s ADDR] [-c ADDR] PROGRAM [ARGUMENT...]\n"
  if !@ARGV || $ARGV[0] =~ /^-/ || $option{q} !~ /^[1-9][0-9]*\z/;

sub listener {
    my ($at) = @_;
    my ($host, $port) = $at =~ /^\[?([0-9a-fA-F.:]+?)\]?:([0-9]+)\z/
      or die "listen.pl: '$at' is not an address with a port, such as [::]:23470\n";
    my ($error, $found) = getaddrinfo($host, $port,
        {socktype => SOCK_STREAM, flags => AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV});
    die "listen.pl: $at: $error\n" if $error;
    socket(my $socket, $found->{family}, SOCK_STREAM, 0) or die "listen.pl: $at: $!\n";
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
    setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 0) if $found->{family} == AF_INET6;
    bind($socket, $found->{addr}) && listen($socket, $option{q}) or die "listen.pl: $at: $!\n";
    return $socket;
}
my ($servers, $clients) = (listener($option{s}), listener($option{c}));

if (defined $option{u}) {
    my ($uid, $gid) = (getpwnam $option{u})[2, 3];
    die "listen.pl: there is no user '$option{u}'\n" if !defined $uid;
    ($(, $)) = ($gid, "$gid $gid");
    ($<, $>) = ($uid, $uid);
    die "listen.pl: cannot become '$option{u}': $!\n" if $< != $uid || $> != $uid || $( != $gid;
}

my ($pid, $is_over) = (0, 0);
$SIG{TERM} = $SIG{INT} = sub { $is_over = 1; kill 'TERM', $pid if $pid };
$SIG{HUP} = sub { kill 'TERM', $pid if $pid };

# The program has the sockets at standard input and output. Standard error is this script's.
until ($is_over) {
    defined($pid = fork) or die "listen.pl: cannot start another process: $!\n";
    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
        open(STDIN, '<&', $clients) && open(STDOUT, '>&', $servers) or die "listen.pl: $!\n";
        exec {$ARGV[0]} @ARGV, '--clients', 'fd:0', '--servers', 'fd:1'
          or print STDERR "listen.pl: $ARGV[0]: $!\n";
        exit 2;
    }
    1 until waitpid($pid, 0) == $pid || !$!{EINTR};
    exit 2 if $? == 2 << 8;
    select undef, undef, undef, 0.1 if !$is_over;
}
