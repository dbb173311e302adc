// A team of threads for work of 10 microseconds to some milliseconds, hundreds of times per token.
//
// A worker that has nothing to do spins (a join must cost less than a microsecond while a model
// runs), then spins and yields (so that a crowded machine gives the core to whoever has work), then
// sleeps on a condition variable. The caller waits for its workers in the first two ways only:
// they are at work, and what they do is short.
//
// Whoever is free does a part that nobody has begun. A worker that the system keeps from running
// (another program has its core) then costs its share of the work and no waiting; only a worker that
// is stopped in the middle of a part is waited for.
//
// Threads that never sleep are seldom moved: on a machine that also runs something else, the
// scheduler may leave caller and worker on one CPU for seconds, where every join costs two spins.
// So a worker that finds itself on its caller's CPU asks to be moved.
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "include/kernels.h"

enum {
  spins_between_clock_reads = 64,
  nanoseconds_of_pure_spin = 10000,
  nanoseconds_before_sleep = 60000,
};

typedef void (*team_body)(void *context, int part, int parts);

struct ft_team {
  int size;
  team_body body;
  void *context;
  _Atomic int caller_cpu;  // -1 where the system does not tell
  struct team_part *parts;

  // Each on its own cache line: the caller writes the first, the workers the second.
  _Alignas(64) _Atomic uint32_t generation;  // one more per run
  _Alignas(64) _Atomic int pending;          // parts of the run that are not finished
  _Alignas(64) _Atomic int sleepers;
  _Atomic bool stopping;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int started;
  struct team_worker *workers;
};

/// The last run in which somebody began this part; on its own cache line.
struct team_part {
  _Alignas(64) _Atomic uint32_t begun;
};

struct team_worker {
  ft_team *team;
  int part;
  pthread_t thread;
};

static inline void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

static int64_t now_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

#if defined(__linux__)
static int current_cpu(void) { return sched_getcpu(); }

/// Leaves `cpu` if this thread is on it and may run elsewhere.
static void leave_cpu(int cpu) {
  cpu_set_t allowed;
  if (cpu < 0 || cpu != sched_getcpu() ||
      pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed) != 0 ||
      CPU_COUNT(&allowed) < 2) {
    return;
  }
  cpu_set_t others = allowed;
  CPU_CLR(cpu, &others);
  pthread_setaffinity_np(pthread_self(), sizeof others, &others);
  pthread_setaffinity_np(pthread_self(), sizeof allowed, &allowed);
}
#else
static int current_cpu(void) { return -1; }
static void leave_cpu(int cpu) { (void)cpu; }
#endif

/// Spins until the run after `seen` has begun; true if it has, false when the time is up.
static bool spin_for_run(ft_team *team, uint32_t seen) {
  int64_t start = 0;
  bool yielding = false;
  for (uint32_t spin = 1;; spin++) {
    if (atomic_load_explicit(&team->generation, memory_order_acquire) != seen) {
      return true;
    }
    pause_briefly();
    if (yielding) {
      sched_yield();
    }
    if (spin % spins_between_clock_reads == 0 || yielding) {
      int64_t now = now_nanoseconds();
      if (start == 0) {
        start = now;
      }
      if (now - start > nanoseconds_before_sleep) {
        return false;
      }
      yielding = now - start > nanoseconds_of_pure_spin;
    }
  }
}

static void sleep_until_run(ft_team *team, uint32_t seen) {
  pthread_mutex_lock(&team->mutex);
  // Sequentially consistent, like the caller's write of `generation` and read of `sleepers`: one of
  // the two sees the other.
  atomic_fetch_add(&team->sleepers, 1);
  while (atomic_load(&team->generation) == seen) {
    pthread_cond_wait(&team->wake, &team->mutex);
  }
  atomic_fetch_sub(&team->sleepers, 1);
  pthread_mutex_unlock(&team->mutex);
}

/// Publishes a new generation and wakes whoever sleeps.
static void begin_run(ft_team *team) {
  atomic_fetch_add(&team->generation, 1);
  if (atomic_load(&team->sleepers) > 0) {
    pthread_mutex_lock(&team->mutex);
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->mutex);
  }
}

/// Does parts of the run that nobody has begun, `first` before the others.
///
/// Every part is begun once in every run, so a part that was begun in the run before is free in this
/// one, and a worker that comes too late for a run finds none: it reads what to do only after it has
/// a part, which the run then waits for.
static void do_parts(ft_team *team, uint32_t run, int first) {
  for (int i = 0; i < team->size; i++) {
    int part = first + i < team->size ? first + i : first + i - team->size;
    uint32_t before = run - 1;
    if (atomic_compare_exchange_strong_explicit(&team->parts[part].begun, &before, run,
                                                memory_order_acq_rel, memory_order_relaxed)) {
      team->body(team->context, part, team->size);
      atomic_fetch_sub_explicit(&team->pending, 1, memory_order_release);
    }
  }
}

static void *work(void *argument) {
  struct team_worker *worker = argument;
  ft_team *team = worker->team;
  uint32_t seen = 0;
  while (true) {
    if (!spin_for_run(team, seen)) {
      sleep_until_run(team, seen);
    }
    seen = atomic_load_explicit(&team->generation, memory_order_acquire);
    if (atomic_load_explicit(&team->stopping, memory_order_acquire)) {
      return NULL;
    }
    leave_cpu(atomic_load_explicit(&team->caller_cpu, memory_order_relaxed));
    do_parts(team, seen, worker->part);
  }
}

ft_team *ft_team_create(int threads) {
  if (threads < 1 || threads > FT_TEAM_MAX) {
    return NULL;
  }
  void *memory = NULL;
  if (posix_memalign(&memory, 64, sizeof(ft_team)) != 0) {
    return NULL;
  }
  ft_team *team = memory;
  *team = (ft_team){.size = threads};
  team->workers = calloc((size_t)threads, sizeof(struct team_worker));
  if (team->workers == NULL ||
      posix_memalign(&memory, 64, (size_t)threads * sizeof(struct team_part)) != 0) {
    free(team->workers);
    free(team);
    return NULL;
  }
  team->parts = memory;
  for (int part = 0; part < threads; part++) {
    atomic_init(&team->parts[part].begun, 0);
  }
  pthread_mutex_init(&team->mutex, NULL);
  pthread_cond_init(&team->wake, NULL);
  for (int part = 1; part < threads; part++) {
    struct team_worker *worker = &team->workers[part];
    worker->team = team;
    worker->part = part;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
      ft_team_destroy(team);
      return NULL;
    }
    team->started += 1;
  }
  return team;
}

void ft_team_destroy(ft_team *team) {
  if (team == NULL) {
    return;
  }
  atomic_store_explicit(&team->stopping, true, memory_order_release);
  begin_run(team);
  for (int part = 1; part <= team->started; part++) {
    pthread_join(team->workers[part].thread, NULL);
  }
  pthread_cond_destroy(&team->wake);
  pthread_mutex_destroy(&team->mutex);
  free(team->parts);
  free(team->workers);
  free(team);
}

int ft_team_size(const ft_team *team) { return team->size; }

void ft_team_run(ft_team *team, void (*body)(void *context, int part, int parts), void *context) {
  if (team->size == 1) {
    body(context, 0, 1);
    return;
  }
  team->body = body;
  team->context = context;
  atomic_store_explicit(&team->caller_cpu, current_cpu(), memory_order_relaxed);
  atomic_store_explicit(&team->pending, team->size, memory_order_relaxed);
  begin_run(team);
  do_parts(team, atomic_load_explicit(&team->generation, memory_order_relaxed), 0);

  int64_t start = 0;
  bool yielding = false;
  for (uint32_t spin = 1; atomic_load_explicit(&team->pending, memory_order_acquire) > 0; spin++) {
    pause_briefly();
    if (yielding) {
      sched_yield();
    } else if (spin % spins_between_clock_reads == 0) {
      int64_t now = now_nanoseconds();
      if (start == 0) {
        start = now;
      }
      yielding = now - start > nanoseconds_of_pure_spin;
    }
  }
}
