/* Keeps a game server on the list of a gltracker.
 *
 *     cc -o game-server game-server.c
 *     GLTRACKER_PASSWORD=secret ./game-server tracker.example:23470 23460 nbplayers=0
 *
 * A line on standard input such as nbplayers=3 is an update, and the line quit ends it. */
#include "gltracker-server.h"
#include <netinet/in.h>

static void tell(const char *what, const char *more) {
    printf("%s%s%s\n", what, *more ? " " : "", more);
    fflush(stdout);
}

/* Sets the field that a line says; the line is changed. */
static void set(gt_server *server, char *line) {
    char *value = strchr(line, '=');
    if (value) {
        *value++ = '\0';
        gt_set(&server->fields, line, value);
    }
}

/* A UDP socket for players, at the address of the connection to the tracker, so that answers come
 * from the address that was asked. It is the same as before, `udp`, if that has not changed. */
static int bound(int udp, const gt_server *server) {
    static struct sockaddr_storage before;
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    in_port_t port = htons((in_port_t)server->udp_port);
    if (!server->link.is_open || getsockname(server->link.fd, (struct sockaddr *)&at, &size) != 0)
        return udp;
    if (at.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&at)->sin6_port = port;
    else
        ((struct sockaddr_in *)&at)->sin_port = port;
    if (udp >= 0 && memcmp(&at, &before, sizeof at) == 0)
        return udp;
    if (udp >= 0)
        close(udp);
    before = at;
    udp = socket(at.ss_family, SOCK_DGRAM, 0);
    if (udp < 0 || bind(udp, (struct sockaddr *)&at, size) != 0)
        perror("game-server: the UDP port");
    return udp;
}

static void take_datagram(gt_server *server, int udp) {
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    char data[2048];
    ssize_t got = recvfrom(udp, data, sizeof data, 0, (struct sockaddr *)&from, &size);
    if (got > 0 && gt_datagram(server, data, (size_t)got))
        (void)!sendto(udp, data, (size_t)got, 0, (struct sockaddr *)&from, size);
}

/* Takes what was typed; false at its end, which ends nothing else. */
static bool take_input(gt_server *server) {
    static char text[4096];
    static size_t used;
    ssize_t got = read(0, text + used, sizeof text - 1 - used);
    char *end;
    if (got <= 0)
        return false;
    text[used += (size_t)got] = '\0';
    while ((end = strchr(text, '\n')) != NULL) {
        *end = '\0';
        server->is_leaving = server->is_leaving || strcmp(text, "quit") == 0;
        set(server, text);
        used -= (size_t)(end + 1 - text);
        memmove(text, end + 1, used + 1);
    }
    return true;
}

int main(int count, char **words) {
    static gt_server server = {.link.port = "23470"};
    int udp = -1, input = 0;
    server.password = getenv("GLTRACKER_PASSWORD");
    if (count < 3 || !gt_take_apart(words[1], &server.link.host, &server.link.port) ||
        !server.password) {
        fputs("GLTRACKER_PASSWORD=... game-server host:port port [key=value...]\n", stderr);
        return 2;
    }
    server.tell = tell;
    server.udp_port = atoi(words[2]);
    gt_set(&server.fields, "port", words[2]);
    for (int i = 3; i < count; i++)
        set(&server, words[i]);
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    while (gt_step(&server)) {
        udp = bound(udp, &server);
        struct pollfd ready[] = {{input, POLLIN, 0}, {udp, POLLIN, 0},
                                 {server.link.is_open ? server.link.fd : -1, POLLIN, 0}};
        poll(ready, 3, 100);
        if (ready[0].revents && !take_input(&server))
            input = -1;
        if (ready[1].revents)
            take_datagram(&server, udp);
    }
    return server.is_leaving ? 0 : 1;
}
