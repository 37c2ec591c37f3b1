"""
Writes adaptation.json: methods of domain adaptation on small random features, each written here as its paper has it, in other ways than Graft's:
kernel matrices of all images where Graft works with features, integration where Graft has a closed form, POT for optimal transport.
Projections have free signs, so what is stored are inner products of all rows, those of two new rows last.
"""

import numpy as np
import ot
from scipy.linalg import eigh, fractional_matrix_power, null_space
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import rbf_kernel

from fixture import grid, numbers, rounded, write

rng = np.random.default_rng(20261128)
NS, NT, WIDTH, CLASSES, NEW = 14, 11, 6, 3, 2

labels = np.arange(NS) % CLASSES
source = grid(rng, (NS, WIDTH))
source[np.arange(NS), labels] += 3
target = grid(rng, (NT, WIDTH)) * 0.5 + 1
target[np.arange(NT), np.arange(NT) % CLASSES] += 3
new = grid(rng, (NEW, WIDTH)) + 0.5
X = np.vstack([source, target])
n = NS + NT
H = np.eye(n) - 1 / n
GAMMA = 0.05


def kernels(kind):
    """K of the images, and of all rows with the images."""
    everything = np.vstack([X, new])
    if kind == "linear":
        return X @ X.T, everything @ X.T
    return rbf_kernel(X, X, GAMMA), rbf_kernel(everything, X, GAMMA)


def difference(inside, outside):
    e = np.zeros(n)
    e[inside] = 1 / len(inside)
    e[outside] = -1 / len(outside)
    return np.outer(e, e)


L = difference(np.arange(NS), NS + np.arange(NT))


def leading(keep, lose, k):
    """The k largest of keep·v = λ·lose·v, scaled to vᵀ·keep·v = 1."""
    _, v = eigh(keep, lose)
    v = v[:, ::-1][:, :k]
    return v / np.sqrt(np.diag(v.T @ keep @ v))


def by_coefficients(kind, distance, k, mu, dependence=None):
    K, all_rows = kernels(kind)
    keep = K @ H @ (np.eye(n) if dependence is None else dependence) @ H @ K
    return all_rows @ leading(keep, K @ distance @ K + mu * np.eye(n), k)


def by_projection(distance, k, mu):
    distance = distance / np.linalg.norm(distance)
    P = leading(X.T @ H @ X, X.T @ distance @ X + mu * np.eye(WIDTH), k)
    return np.vstack([X, new]) @ P


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def joint(project, marginal, conditional, iterations):
    Z = project(marginal * L)
    for _ in range(iterations - 1):
        nearest = cdist(unit(Z[NS:n]), unit(Z[:NS])).argmin(1)
        given = labels[nearest]
        M = marginal * L
        for c in range(CLASSES):
            inside, outside = np.flatnonzero(labels == c), NS + np.flatnonzero(given == c)
            if len(outside):
                M = M + conditional * difference(inside, outside)
        Z = project(M)
    return Z


def semi_supervised(k, mu, gamma, locality, neighbours):
    squares = cdist(X, X, "sqeuclidean")
    scale = 1 / np.sort(squares[np.triu_indices(n, 1)])[n * (n - 1) // 2 // 2]
    M = np.zeros((n, n))
    for i in range(n):
        for j in np.argsort(squares[i])[1 : neighbours + 1]:
            M[i, j] = M[j, i] = np.exp(-scale * squares[i, j])
    laplacian = np.diag(M.sum(1)) - M
    same = np.zeros((n, n))
    same[:NS, :NS] = labels[:, None] == labels[None, :]
    return by_coefficients("linear", L + locality / n**2 * laplacian, k, mu, gamma * same + (1 - gamma) * np.eye(n))


def principal(rows, k):
    _, _, vt = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    return vt[:k].T


def centred():
    return source - source.mean(0), target - target.mean(0), new - source.mean(0)


def subspace_alignment(k):
    xs, xt, xn = centred()
    ps, pt = principal(source, k), principal(target, k)
    M = ps.T @ pt
    return np.vstack([xs @ ps @ M, xt @ pt, xn @ ps @ M])


def flow(k, steps=20000):
    """G by the trapezium rule over the geodesic."""
    ps, pt = principal(source, k), principal(target, k)
    rs = null_space(ps.T)
    u1, cosines, vt = np.linalg.svd(ps.T @ pt)
    angles = np.arccos(np.clip(cosines, -1, 1))
    u2 = -(rs.T @ pt @ vt.T) / np.sin(angles)
    G = np.zeros((WIDTH, WIDTH))
    for step in range(steps + 1):
        t = step / steps
        phi = ps @ u1 * np.cos(t * angles) - rs @ u2 * np.sin(t * angles)
        G += phi @ phi.T / steps * (0.5 if step in (0, steps) else 1)
    return G


def coral(lam):
    cs = np.cov(source.T) + lam * np.eye(WIDTH)
    ct = np.cov(target.T) + lam * np.eye(WIDTH)
    A = fractional_matrix_power(cs, -0.5) @ fractional_matrix_power(ct, 0.5)
    return (np.vstack([source, new]) - source.mean(0)) @ A + target.mean(0)


def transport(method, **options):
    M = cdist(source, target, "sqeuclidean")
    M /= M.max()
    plan = method(M, **options)
    moved = plan @ target / plan.sum(1, keepdims=True)
    nearest = cdist(new, source).argmin(1)
    return np.vstack([moved, new + moved[nearest] - source[nearest]])


def entropic(M, reg):
    return ot.bregman.sinkhorn_log(ot.unif(NS), ot.unif(NT), M, reg, numItermax=100000, stopThr=1e-13)


def by_class(M, reg, eta):
    return ot.da.sinkhorn_lpl1_mm(ot.unif(NS), labels, ot.unif(NT), M, reg, eta, numItermax=10, numInnerItermax=100000, stopInnerThr=1e-13)


def mmd(kernel, unbiased):
    ss, tt, st = kernel(source, source), kernel(target, target), kernel(source, target)
    if unbiased:
        np.fill_diagonal(ss, 0)
        np.fill_diagonal(tt, 0)
        return ss.sum() / (NS * (NS - 1)) + tt.sum() / (NT * (NT - 1)) - 2 * st.mean()
    return ss.mean() + tt.mean() - 2 * st.mean()


def gram(Z):
    return numbers(Z @ Z.T)


xs, xt, xn = centred()
flat = np.vstack([xs, xt, xn])
directions = unit(rng.normal(size=(7, WIDTH)))
discrepancies = {
    "linear": lambda a, b: a @ b.T,
    "gaussian": lambda a, b: rbf_kernel(a, b, GAMMA),
    "multi": lambda a, b: (rbf_kernel(a, b, 0.02) + rbf_kernel(a, b, 0.1) + rbf_kernel(a, b, 0.5)) / 3,
}

write(
    "adaptation.json",
    {
        "width": WIDTH,
        "gamma": GAMMA,
        "labels": numbers(labels),
        "source": numbers(source),
        "target": numbers(target),
        "new": numbers(new),
        "grams": {
            "tca, linear": gram(by_coefficients("linear", L, 3, 0.5)),
            "tca, gaussian": gram(by_coefficients("gaussian", L, 4, 0.1)),
            "tca, projection": gram(by_projection(L, 3, 0.5)),
            "semi-supervised tca": gram(semi_supervised(3, 0.5, 0.7, 10, 4)),
            "jda": gram(joint(lambda M: by_projection(M, 3, 0.5), CLASSES, 1, 4)),
            "jda, gaussian coefficients": gram(joint(lambda M: by_coefficients("gaussian", M, 3, 0.1), 1, 1, 4)),
            "bda": gram(joint(lambda M: by_projection(M, 3, 0.5), 0.7, 0.3, 4)),
            "subspace alignment": gram(subspace_alignment(3)),
            "geodesic flow": numbers(flat @ flow(3) @ flat.T),
        },
        "moved": {
            "coral": numbers(coral(0.5)),
            "optimal transport": numbers(transport(entropic, reg=0.02)),
            "optimal transport by class": numbers(transport(by_class, reg=0.05, eta=0.1)),
        },
        "mmd": {
            name: {"biased": rounded(mmd(kernel, False)), "unbiased": rounded(mmd(kernel, True))}
            for name, kernel in discrepancies.items()
        },
        "coralDistance": rounded(((np.cov(source.T) - np.cov(target.T)) ** 2).sum() / (4 * WIDTH**2)),
        "directions": [float(value) for value in directions.ravel()],
        "slicedWasserstein": rounded(ot.sliced_wasserstein_distance(source, target, projections=directions.T)),
    },
)
