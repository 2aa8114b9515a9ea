#!/usr/bin/perl
# Opens the tracker's two ports, hands them to it, and keeps them open while it is started again.
# -q N: connections that may wait at each port (4096); -u: who the program runs as; -s, -c: where game
# servers log in and clients ask ([::]:23470 and [::]:23471, which are IPv4 too). A program that ends is
# started again after 0.1 s, or 1 s if its exit code tells of a failure; not after 2, wrong usage. HUP
# ends it, so that it is started again; TERM and INT end both. It has 5 s for that.
# Exit codes: 0 ended, 2 wrong usage, 3 the system said no. It takes what Debian calls perl-base.
use strict; use warnings; no warnings 'exec';
use Getopt::Long qw(:config require_order);
use POSIX qw(:signal_h :sys_wait_h);
use Socket qw(:DEFAULT getaddrinfo IPPROTO_IPV6 IPV6_V6ONLY AI_NUMERICHOST);

sub stop { my ($code, $why) = @_; print STDERR "listen.pl: $why\n"; exit $code }
my ($queue, $user, $servers, $clients) = (4096, undef, '[::]:23470', '[::]:23471');
GetOptions('q=i' => \$queue, 'u=s' => \$user, 's=s' => \$servers, 'c=s' => \$clients) && @ARGV
  && $queue > 0 or stop 2, 'usage: listen.pl [-q N] [-u USER] [-s ADDR] [-c ADDR] PROGRAM [ARGUMENT...]';

sub listener {
    my ($host, $port) = $_[0] =~ /^(\[[0-9a-fA-F:.]+\]|[0-9.]+):([0-9]{1,5})\z/ or return;
    my ($error, $at) = getaddrinfo($host =~ tr/[]//dr, $port, {flags => AI_NUMERICHOST});
    return if $error || $port > 65535;
    my $is_there = socket(my $socket, $at->{family}, SOCK_STREAM, 0);
    ($is_there && setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1)
      && ($at->{family} == AF_INET || setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 0))
      && bind($socket, $at->{addr}) && listen($socket, $queue)) or stop 3, "cannot listen on $_[0]: $!";
    return $socket;
}
$_ = listener($_) // stop 2, "'$_' is not an address with a port, such as [::]:23470"
  for $servers, $clients;
my $most = open(LIMIT, '<', '/proc/sys/net/core/somaxconn') ? 0 + <LIMIT> : $queue;
print STDERR "listen.pl: net.core.somaxconn lets only $most connections wait\n" if $most < $queue;
if (defined $user) {
    my ($uid, $gid) = (getpwnam $user)[2, 3];
    ($(, $)) = ($gid // stop(2, "there is no user '$user'"), "$gid $gid");
    ($<, $>) = ($uid, $uid);
    stop 3, "cannot become '$user': $!" if "$< $> $( $)" ne "$uid $uid $gid $gid $gid $gid";
}
# Signals come while it waits for one, and at no other moment.
sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGCHLD));
my ($pid, $is_over, $is_ending, $ended) = (0, 0, 0, 0);
$SIG{HUP} = sub { kill 'TERM', $pid; alarm 5 unless $is_ending++ }; # not anew with each signal
$SIG{TERM} = $SIG{INT} = sub { $is_over = 1; $SIG{HUP}->() };
$SIG{ALRM} = sub { kill 'KILL', $pid };
$SIG{CHLD} = sub { };
until ($is_over) {
    defined($pid = fork) or print(STDERR "listen.pl: cannot start a process: $!\n"), sleep 1, next;
    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP ALRM CHLD);
        # TERM stays blocked: the tracker looks for it, and answers those first whom it has accepted.
        sigprocmask(SIG_SETMASK, POSIX::SigSet->new($^O eq 'linux' ? SIGTERM : ()));
        open(STDIN, '<&', $clients) && open(STDOUT, '>&', $servers)
          && exec {$ARGV[0]} @ARGV, '--clients', 'fd:0', '--servers', 'fd:1' or stop 2, "$ARGV[0]: $!";
    }
    # As the first process of a container it has the children of others, too.
    until (($ended = waitpid -1, WNOHANG) == $pid) { sigsuspend(POSIX::SigSet->new) if $ended <= 0 }
    exit 2 if $? == 2 << 8;
    alarm($is_ending = 0);
    select undef, undef, undef, $? >> 8 ? 1 : 0.1 if !$is_over;
}
