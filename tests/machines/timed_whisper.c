/* A fake whisper-server for test boxes that answers in the time that it is told, with what the real one
 * once said.
 *
 * Fake, because transcriptions of many boxes on two cores would be most of what is measured. It stands in
 * the place of a build's whisper-server, and the deploy looks at the file that a process runs, so it is a
 * program of its own, compiled on the box, with -DSECONDS=... for one answer after another. Beside it lies
 * whisper-server.json, the answer to whisper.cpp's sample.
 *
 * Of its options it reads --port alone. It is healthy, and has heard the sample, at whatever path. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What the real one says of itself where it computes on the CPU. */
static const char log_lines[] =
    "whisper_init_with_params_no_state: use gpu    = 1\n"
    "whisper_model_load:          CPU total size =    77.11 MB\n"
    "whisper_model_load: model size    =   77.11 MB\n"
    "whisper_backend_init_gpu: no GPU found\n";
static const char healthy[] = "{\"status\":\"ok\"}";
static char heard[1 << 16];
static pthread_mutex_t gpu = PTHREAD_MUTEX_INITIALIZER;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void read_answer(void) {
    char path[4096 + sizeof ".json"];
    ssize_t length = readlink("/proc/self/exe", path, 4096);
    if (length < 0) fail("/proc/self/exe");
    strcpy(path + length, ".json");
    FILE *file = fopen(path, "r");
    if (!file) fail(path);
    heard[fread(heard, 1, sizeof heard - 1, file)] = '\0';
    fclose(file);
}

/* As the real one, one after another. */
static void transcribe(void) {
    struct timespec taken = {(time_t)(SECONDS), (long)(((SECONDS) - (time_t)(SECONDS)) * 1e9)};
    pthread_mutex_lock(&gpu);
    nanosleep(&taken, NULL);
    pthread_mutex_unlock(&gpu);
}

/* One request, to its end; what the answer is, or NULL where the client is gone. */
static const char *request(FILE *in) {
    char line[8192];
    long body = 0;
    if (!fgets(line, sizeof line, in)) return NULL;
    int is_post = !strncmp(line, "POST ", 5);
    while (fgets(line, sizeof line, in) && line[strspn(line, "\r\n")])
        if (!strncasecmp(line, "content-length:", 15)) body = atol(line + 15);
    while (body > 0 && !feof(in) && !ferror(in))
        body -= (long)fread(line, 1, body < (long)sizeof line ? (size_t)body : sizeof line, in);
    if (body > 0) return NULL;
    if (!is_post) return healthy;
    transcribe();
    return heard;
}

static void *serve(void *connection) {
    int client = (int)(long)connection;
    FILE *in = fdopen(client, "r");
    const char *answer;
    while (in && (answer = request(in)) &&
           dprintf(client,
                   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(answer), answer) > 0) {
    }
    if (in) fclose(in);
    return NULL;
}

static int listen_at(int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* The second as the real one has it: what is left of its connections has no other. */
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) fail("bind");
    return listener;
}

int main(int count, char **arguments) {
    int port = 0;
    for (int i = 1; i + 1 < count; i++)
        if (!strcmp(arguments[i], "--port")) port = atoi(arguments[i + 1]);
    signal(SIGPIPE, SIG_IGN);
    read_answer();
    fputs(log_lines, stderr);
    int listener = listen_at(port);
    for (;;) {
        pthread_t thread;
        long client = accept(listener, NULL, NULL);
        if (client >= 0 && !pthread_create(&thread, NULL, serve, (void *)client)) pthread_detach(thread);
    }
}
