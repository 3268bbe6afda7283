/* What the runs teach: which profiles lead to valid tests at which place, and how far objects are touched.

   Profiles are picked by a weighted draw whose weights follow the share of valid tests (a bandit); extents
   by fitting hi = a * n + b, or a * n * m + b, to exact extents measured before.
   SPDX-License-Identifier: GPL-3.0-or-later  */
#include "states/internal.h"
#include <math.h>

unsigned
site__find (struct states *states, uint64_t key)
{
  unsigned at = (unsigned) (key % SITES_MAX);
  for (unsigned probes = 0; probes < 16; probes++, at = (at + 1) % SITES_MAX)
    {
      struct site *site = &states->site[at];
      if (site->key == key)
        return at;
      if (!site->key)
        {
          site->key = key;
          return at;
        }
    }
  /* Full: share a place; what is learned there is less sharp, never wrong.  */
  return at;
}

unsigned
site__choose (struct states *states, struct attempt *attempt, struct rng *rng, unsigned number,
              const uint8_t *prior, unsigned n)
{
  struct site *site = &states->site[number];
  uint32_t weight[PROFILES_MAX];
  uint64_t sum = 0;
  for (unsigned i = 0; i < n; i++)
    {
      weight[i] = prior[i] ? prior[i] * (1 + 63 * (site->wins[i] + 1) / (site->tries[i] + 1)) : 0;
      sum += weight[i];
    }
  uint64_t pick = rng__below (rng, sum);
  unsigned chosen = 0;
  while (chosen + 1 < n && pick >= weight[chosen])
    pick -= weight[chosen++];
  if (attempt->n_choices < CHOICES_MAX)
    attempt->choice[attempt->n_choices++]
      = (struct choice){ .site = (uint16_t) number, .profile = (uint8_t) chosen };
  return chosen;
}

void
attempt__credit (struct states *states, struct attempt *attempt, bool valid, unsigned cost)
{
  for (unsigned i = 0; i < attempt->n_choices; i++)
    {
      struct site *site = &states->site[attempt->choice[i].site];
      unsigned p = attempt->choice[i].profile;
      site->tries[p] += cost;
      site->wins[p] += valid ? cost : 0;
      if (site->tries[p] >= 256)
        {
          site->tries[p] /= 2;
          site->wins[p] /= 2;
        }
    }
}

/* The x of a model.  */
static double
combine (const int64_t *feature, int a, int b, int c)
{
  double x = (double) feature[a];
  if (c >= 0)
    return (x - 1) * (double) feature[b] + (double) feature[c];
  return b >= 0 ? x * (double) feature[b] : x;
}

static double
apply (const struct extent_model *model, const int64_t *feature)
{
  if (model->constant)
    return model->offset;
  double hi = model->scale * combine (feature, model->a, model->b, model->c) + model->offset;
  return hi < 0 ? 0 : hi;
}

int64_t
extent__predict (const struct extent_model *model, const int64_t *feature)
{
  if (!model->known)
    return -1;
  double hi = apply (model, feature);
  return hi > 1e9 ? (int64_t) 1e9 : (int64_t) (hi + 0.5);
}

/* Do all samples follow MODEL?  Empty extents say little of a product: there a factor was 0 or less.  */
static bool
fits (const struct extent_model *model)
{
  unsigned n = model->n_samples < SAMPLES_MAX ? model->n_samples : SAMPLES_MAX;
  for (unsigned i = 0; i < n; i++)
    if ((model->constant || model->b < 0 || model->sample[i].hi)
        && fabs (apply (model, model->sample[i].feature) - (double) model->sample[i].hi) > 0.5)
      return false;
  return true;
}

/* Fits a line through the two samples that differ most in the x of A, B and C.  */
static bool
fit_line (struct extent_model *model, int a, int b, int c)
{
  unsigned n = model->n_samples < SAMPLES_MAX ? model->n_samples : SAMPLES_MAX;
  int low = -1, high = -1;
  double low_x = 0, high_x = 0;
  for (unsigned i = 0; i < n; i++)
    {
      if (model->sample[i].hi == 0)
        continue; /* may be clamped */
      double x = combine (model->sample[i].feature, a, b, c);
      if (low < 0 || x < low_x)
        low = (int) i, low_x = x;
      if (high < 0 || x > high_x)
        high = (int) i, high_x = x;
    }
  if (low < 0 || low_x == high_x)
    return false;
  model->a = a;
  model->b = b;
  model->c = c;
  model->constant = false;
  model->scale = (double) (model->sample[high].hi - model->sample[low].hi) / (high_x - low_x);
  model->offset = (double) model->sample[low].hi - model->scale * low_x;
  return model->scale != 0 && fits (model);
}

void
extent__learn (struct extent_model *model, const int64_t *feature, int64_t hi)
{
  bool right = model->known && extent__predict (model, feature) == hi;
  unsigned at = model->n_samples++ % SAMPLES_MAX;
  memcpy (model->sample[at].feature, feature, sizeof model->sample[at].feature);
  model->sample[at].hi = hi;
  if (right)
    {
      model->hits++;
      return;
    }
  model->hits = 0;
  model->known = false;
  if (model->n_samples < 4)
    return;
  model->constant = true;
  model->offset = (double) hi;
  if (fits (model))
    {
      model->known = true;
      return;
    }
  for (int a = 0; a < FEATURES_MAX; a++)
    if (fit_line (model, a, -1, -1))
      {
        model->known = true;
        return;
      }
  for (int a = 0; a < FEATURES_MAX; a++)
    for (int b = a + 1; b < FEATURES_MAX; b++)
      if (fit_line (model, a, b, -1))
        {
          model->known = true;
          return;
        }
  for (int a = 0; a < FEATURES_MAX / 2; a++)
    for (int b = 0; b < FEATURES_MAX / 2; b++)
      for (int c = 0; c < FEATURES_MAX / 2; c++)
        if (a != b && a != c && b != c && fit_line (model, a, b, c))
          {
            model->known = true;
            return;
          }
}

uint32_t
states__size_parameters (const struct states *states)
{
  uint32_t features = 0, parameters = 0;
  for (unsigned i = 0; i < SITES_MAX; i++)
    {
      const struct extent_model *model = &states->site[i].extent;
      if (!states->site[i].key || !model->known || model->constant)
        continue;
      features |= 1u << model->a;
      features |= model->b >= 0 ? 1u << model->b : 0;
      features |= model->c >= 0 ? 1u << model->c : 0;
    }
  /* Features are the integer parameters in order; the last may be something else, which only adds one.  */
  for (unsigned p = 0, n = 0; p < states->region->n_parameters && p < 32; p++)
    if (parameter__is_integer (states->region, p))
      parameters |= (features >> n++ & 1) << p;
  return parameters;
}
