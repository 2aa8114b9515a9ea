/* A connection to a gltracker, for a game server or a client. It takes POSIX and nothing else, and
 * waits for nothing but the look-up of a name. It is included before all other headers. */
#ifndef GLTRACKER_H
#define GLTRACKER_H
#define _POSIX_C_SOURCE 200809L
#include "gltracker-text.h"
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { GT_LINE = 1025, GT_WORDS = 1024 }; /* bytes of a line to read, and to say */

/* A connection to a tracker, whose name may have several addresses. It begins with all bits 0. */
typedef struct {
    const char *host, *port;
    struct addrinfo *found;                     /* its addresses, */
    unsigned tried;                             /* a bit for each that was tried, */
    struct sockaddr_storage at, answered, busy; /* this one, and those that last did so */
    bool is_open, has_said, has_heard;
    int fd; /* while it is open */
    double since, patience;
    char in[GT_LINE];
    size_t used;
} gt_link;

static inline double gt_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline double gt_chance(void) {
    return rand() / (RAND_MAX + 1.0);
}

static inline void gt_close(gt_link *link) {
    if (link->is_open)
        close(link->fd);
    link->is_open = false;
    link->used = 0;
}

/* The address that answered last is the last to be tried again. */
static inline void gt_was_busy(gt_link *link) {
    link->busy = link->answered;
    memset(&link->answered, 0, sizeof link->answered);
}

/* What cannot be sent is not missed: the tracker's last words or its silence say what is wrong. */
static inline void gt_say(gt_link *link, const char *words) {
    char line[GT_WORDS + 1];
    int size = snprintf(line, sizeof line, "%.*s\n", GT_WORDS - 1, words);
    (void)!send(link->fd, line, (size_t)size, MSG_NOSIGNAL);
}

/* Begins to connect to the next address: first the one that answered last, and last the one that
 * was busy; in between, chance decides within a family. False if none is left. */
static inline bool gt_next(gt_link *link) {
    struct addrinfo *best = NULL, *one;
    double best_rank = 0;
    int number = 0, best_number = 0, left = 0;
    gt_close(link);
    for (one = link->found; one && number < 32; one = one->ai_next, number++) {
        bool is_busy = memcmp(&link->busy, one->ai_addr, one->ai_addrlen) == 0;
        bool is_other = memcmp(&link->answered, one->ai_addr, one->ai_addrlen) != 0;
        bool is_second_family = one->ai_family != link->found->ai_family;
        double rank = 4 * is_busy + 2 * is_other + is_second_family + gt_chance();
        if (link->tried >> number & 1u)
            continue;
        if (left++ == 0 || rank < best_rank)
            best = one, best_rank = rank, best_number = number;
    }
    if (!best)
        return false;
    link->tried |= 1u << best_number;
    memset(&link->at, 0, sizeof link->at);
    memcpy(&link->at, best->ai_addr, best->ai_addrlen);
    link->fd = socket(best->ai_family, SOCK_STREAM, 0);
    if (link->fd < 0)
        return gt_next(link);
    fcntl(link->fd, F_SETFL, O_NONBLOCK);
    (void)!connect(link->fd, best->ai_addr, best->ai_addrlen);
    link->is_open = true;
    link->has_said = link->has_heard = false;
    link->since = gt_now();
    link->patience = left > 1 ? 3 : 15;
    return true;
}

/* Looks the name up and begins to connect; false if that cannot be done. */
static inline bool gt_open(gt_link *link) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (link->found)
        freeaddrinfo(link->found);
    link->found = NULL;
    link->tried = 0;
    link->has_heard = false;
    return getaddrinfo(link->host, link->port, &hints, &link->found) == 0 && gt_next(link);
}

/* Why it is lost. */
static inline const char *gt_loss(const gt_link *link) {
    return link->has_heard ? "the tracker hung up" : "nobody answers there";
}

/* 1 and the next line; 0 if there is none yet; -1 if the connection is lost. The first address is
 * taken that says anything to `first`, which is said when it has accepted the connection. */
static inline int gt_line(gt_link *link, const char *first, char line[GT_LINE]) {
    char *end;
    while (!(end = memchr(link->in, '\n', link->used))) {
        struct pollfd ready = {link->fd, link->has_said ? POLLIN : POLLOUT, 0};
        ssize_t size = 0;
        if (!link->is_open)
            return -1;
        if (poll(&ready, 1, 0) != 1) {
            if (link->has_heard || gt_now() < link->since + link->patience)
                return 0;
        } else if (!link->has_said) {
            gt_say(link, first);
            link->has_said = true;
            continue;
        } else {
            size = recv(link->fd, link->in + link->used, sizeof link->in - link->used, 0);
        }
        if (size > 0) {
            link->used += (size_t)size;
            link->has_heard = true;
            link->answered = link->at;
            memset(&link->busy, 0, sizeof link->busy);
        } else if (link->has_heard || !gt_next(link)) {
            return -1;
        }
    }
    *end++ = '\0';
    memcpy(line, link->in, (size_t)(end - link->in));
    line[strcspn(line, "\r")] = '\0';
    gt_copy(line, GT_LINE, line); /* fit to be printed */
    link->used -= (size_t)(end - link->in);
    memmove(link->in, end, link->used);
    return 1;
}

#endif
